import ChatTemplates
import Checkpoints
import Decoder
import Foundation
import LinearAlgebra
import ModelAccess
import Support
import TestSupport
import Testing
import TinyModel

@testable import LocalServer

/// How likely a served model finds replies, against what training says of the same weights.
@Suite struct ReplyLossTests {
  static let replies = ["I'm sorry, no.", "No.", "I can't help with that."]
  static let messages = [ChatMessage(role: .user, content: "tell me a long story")]

  static func served(_ folder: URL, _ updates: [LowRankUpdate] = []) throws -> ServedModel {
    try ServedModel(
      folder: Checkpoint(folder: folder), name: "tiny",
      updates: updates.enumerated().map {
        (ServedModel.Adapter(name: "u\($0.offset)", defaultScale: 0), $0.element)
      },
      options: InferenceEngine.Options(slots: 4, rowsPerStep: 16, threads: 2))
  }

  /// The loss of a training's first step, which is taken before anything is learned.
  static func trained(_ folder: URL, stack: [ScaledLowRankUpdate]) throws -> Double {
    let model = try DecoderModel(checkpoint: Checkpoint(folder: folder))
    var recipe = TrainingRecipe()
    (recipe.epochs, recipe.batchSize, recipe.dropout) = (1, replies.count, 0)
    let set = TrainingSet(
      source: "test",
      dialogues: replies.map {
        TrainingSet.Dialogue(messages: messages + [ChatMessage(role: .assistant, content: $0)])
      }, digest: "")
    let served = try served(folder)
    defer { served.engine.shutDown() }
    let items = try set.items(
      format: served.chatFormat, tokenizer: served.tokenizer, recipe: recipe, shape: model.shape)
    let trainer = try Trainer(model: model, stack: stack, recipe: recipe, threads: 2)
    return try #require(try trainer.train(items.items).first).loss
  }

  static func updates(_ folder: URL) throws -> [LowRankUpdate] {
    let checkpoint = try Checkpoint(folder: folder)
    return (0..<2).map { index in
      var generator = SplitMix64(seed: UInt64(index) + 3)
      let names = checkpoint.tensorNames.filter {
        checkpoint.tensor(named: $0)?.shape.count == 2 && (index == 0 || $0.contains("q_proj"))
      }
      return LowRankUpdate(
        tensors: Dictionary(
          uniqueKeysWithValues: names.map { name in
            let shape = checkpoint.tensor(named: name)?.shape ?? []
            func random(_ rows: Int, _ columns: Int) -> Matrix<Float> {
              Matrix<Double>.gaussian(rows, columns, &generator).rounded.scaled(by: 0.15)
            }
            return (
              name, LowRankUpdate.Factors(left: random(shape[0], 2), right: random(2, shape[1]))
            )
          }))
    }
  }

  @Test(arguments: [[0, 0], [1, 0], [-0.75, 1.5]])
  func theLossIsThatOfTraining(scales: [Double]) async throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "tiny")
    try TinyModel.write(to: url, seed: 1)
    let updates = try Self.updates(url)
    let served = try Self.served(url, updates)
    defer { served.engine.shutDown() }
    let found = try await served.loss(
      of: Self.replies, to: Self.messages,
      scales: scales.enumerated().map { (adapter: "u\($0.offset)", scale: Float($0.element)) })
    let stack = zip(updates, scales).map { ScaledLowRankUpdate($0, scale: $1) }
    let expected = try Self.trained(url, stack: stack)
    #expect(abs(found - expected) < 1e-4, "\(found) and \(expected)")
    #expect(found > 0.1)
  }

  /// Where the model has just answered, its beginning is taken over, to the bit.
  @Test func aConversationThatWasReadBeforeIsNotReadOtherwise() async throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "tiny")
    try TinyModel.write(to: url, seed: 1)
    let updates = try Self.updates(url)
    var losses: [Double] = []
    for asksFirst in [false, true] {
      let served = try Self.served(url, updates)
      defer { served.engine.shutDown() }
      if asksFirst {
        let prompt = try served.chatFormat.encode(Self.messages, with: served.tokenizer)
        _ = try await served.engine.complete(
          GenerationRequest(prompt: prompt, maxTokens: 5, scales: [0.5, 0]))
      }
      for _ in 0..<2 {
        losses.append(
          try await served.loss(
            of: Self.replies, to: Self.messages, scales: [(adapter: "u0", scale: 0.5)]))
      }
      let alone = try await served.loss(
        of: [Self.replies[1]], to: Self.messages, scales: [(adapter: "u0", scale: 0.5)])
      #expect(alone != losses[0])
    }
    #expect(Set(losses).count == 1)
  }

  @Test func anAdapterThatIsNotThereIsRefused() async throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "tiny")
    try TinyModel.write(to: url, seed: 1)
    let served = try Self.served(url)
    defer { served.engine.shutDown() }
    await #expect(throws: APIError.self) {
      try await served.loss(
        of: Self.replies, to: Self.messages, scales: [(adapter: "x", scale: 1)])
    }
  }
}
