import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Decoder

/// A small model of each family against values that transformers computed, serving and training.
@Suite(.enabled(if: SharedMaterial.has("golden/families"), "needs shared/golden/families"))
struct FamilyGoldenTests {
  struct Golden: Decodable {
    struct Gradient: Decodable {
      var norm: Double
      var sample: [Float]
    }

    struct Greedy: Decodable {
      var prompt: Int
      var ids: [Int]
      var smallestMargin: Float

      enum CodingKeys: String, CodingKey {
        case prompt, ids
        case smallestMargin = "smallest_margin"
      }
    }

    var ids: [Int]
    var lossFrom: Int
    var loss: Double
    var logits: [String: [Float]]
    var greedy: Greedy
    var gradients: [String: Gradient]

    enum CodingKeys: String, CodingKey {
      case ids, loss, logits, greedy, gradients
      case lossFrom = "loss_from"
    }
  }

  /// Families whose arithmetic is computed whole.
  static let computed = [
    "llama3-rope", "llama-yarn", "mistral-window", "qwen2-window", "qwen3", "gemma2", "gemma3",
    "olmo2", "smollm3", "granite",
  ]

  static func load(_ name: String) throws -> (model: DecoderModel, golden: Golden) {
    let path = "golden/families/\(name)"
    let checkpoint = try Checkpoint(folder: SharedMaterial.folder.appending(path: path))
    return (
      try DecoderModel(checkpoint: checkpoint), try ForwardTests.decode("\(path)/golden.json")
    )
  }

  @Test(arguments: computed)
  func logitsAgree(name: String) throws {
    let (model, golden) = try Self.load(name)
    let logits = try ForwardTests.logits(of: golden.ids, model: model)
    #expect(!golden.logits.isEmpty)
    for (row, expected) in golden.logits {
      let found = logits[try #require(Int(row))]
      #expect(found.count == expected.count)
      #expect(
        zip(found, expected).allSatisfy { abs($0 - $1) < Tolerance.familyLogits }, "row \(row)")
    }
  }

  @Test(arguments: computed)
  func greedyTextAgrees(name: String) async throws {
    let (model, golden) = try Self.load(name)
    try #require(golden.greedy.smallestMargin > Tolerance.familyMargin)
    let engine = InferenceEngine(model: model, updates: try ServedUpdates([], for: model))
    defer { engine.shutDown() }
    let reply = try await engine.complete(
      GenerationRequest(
        prompt: Array(golden.ids[..<golden.greedy.prompt]), maxTokens: golden.greedy.ids.count))
    #expect(reply.tokens.map(\.id) == golden.greedy.ids)
  }

  @Test(arguments: computed)
  func lossAndGradientsAgree(name: String) throws {
    let (model, golden) = try Self.load(name)
    let trainer = try Trainer(
      model: model, recipe: TrainingGoldenTests.recipe(.full), threads: 2)
    let example = TrainingExample(
      tokens: golden.ids, isLabel: golden.ids.indices.map { $0 >= golden.lossFrom })
    let loss = trainer.accumulateGradients([(.sequence(example), nil)])
    #expect(abs(loss - golden.loss) < Tolerance.familyLoss)
    #expect(golden.gradients.count == trainer.decoder.parameters.count)
    for parameter in trainer.decoder.parameters {
      let expected = try #require(golden.gradients[parameter.name], "\(parameter.name)")
      let found = FiniteDifference.values(parameter.gradient)
      let norm = FiniteDifference.inner(found, found).squareRoot()
      #expect(
        abs(norm - expected.norm) < Tolerance.familyGradient * expected.norm, "\(parameter.name)")
      let step = max(1, found.count / 16)
      let sample = stride(from: 0, to: found.count, by: step).prefix(16).map { found[$0] }
      let largest = try #require(found.map(abs).max())
      #expect(sample.count == expected.sample.count)
      #expect(
        zip(sample, expected.sample).allSatisfy {
          abs($0 - $1) < Float(Tolerance.familyGradient) * largest
        }, "\(parameter.name)")
    }
  }

  /// What is not computed yet is refused by its model type.
  @Test(arguments: [("phi3-longrope", "phi3"), ("mixtral", "mixtral")])
  func otherFamiliesAreRefused(name: String, type: String) throws {
    #expect {
      _ = try Self.load(name)
    } throws: { error in
      guard case DecoderError.unsupportedArchitecture(_, let found) = error else { return false }
      return found == type
    }
  }
}
