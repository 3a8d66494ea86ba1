import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing
import TinyModel

@testable import Decoder

/// Positions whose angles depend on the length of their text: in a growing conversation and beside others.
@Suite struct TextLengthTests {
  static let scalings = [
    #"{"rope_type":"longrope","original_max_position_embeddings":16,"factor":4,"#
      + #""short_factor":[1,1.1,1.2,1.3],"long_factor":[1,2,4,8]}"#,
    #"{"rope_type":"dynamic","factor":8}"#,
  ]

  /// A tiny model made for 512 positions, or for 16 of a text that is stretched beyond them.
  static func model(_ scaling: String, in folder: TemporaryFolder) throws -> DecoderModel {
    let place = folder.url.appending(path: "m")
    try TinyModel.write(to: place, seed: 1)
    let file = place.appending(path: "config.json")
    var settings = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    settings["rope_scaling"] = try JSONSerialization.jsonObject(with: Data(scaling.utf8))
    if scaling.contains("dynamic") { settings["max_position_embeddings"] = 16 }
    try JSONSerialization.data(withJSONObject: settings).write(to: file)
    return try DecoderModel(checkpoint: Checkpoint(folder: place))
  }

  /// Probabilities of a prompt's tokens, and a greedy reply with its own.
  static func reply(
    _ engine: InferenceEngine, _ prompt: [Int], _ count: Int
  ) async throws -> [Float?] {
    try await engine.complete(
      GenerationRequest(prompt: prompt, maxTokens: count, topLogprobs: 0)
    ).tokens.map(\.logprob)
  }

  static func engine(_ model: DecoderModel, rows: Int = 128) throws -> InferenceEngine {
    var options = InferenceEngine.Options(threads: 2)
    options.rowsPerStep = rows
    options.slots = min(options.slots, rows)
    return InferenceEngine(
      model: model, updates: try ServedUpdates([], for: model), options: options)
  }

  /// What is refused for its length says how long a text may be, and what set that.
  @Test(arguments: [
    (#"{"rope_type":"linear","factor":2}"#, nil, 512, "by max_position_embeddings in config.json"),
    (scalings[1], nil, 128, "by max_position_embeddings and the rotary settings in config.json"),
    (
      scalings[1], 24, 24,
      "by the memory for keys and values (serve --cache); the model's own is 128"
    ),
  ])
  func messagesSayWhatSetTheContext(
    scaling: String, cached: Int?, limit: Int, origin: String
  ) async throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(scaling, in: folder)
    var options = InferenceEngine.Options(threads: 1)
    if let cached {
      options.cacheBytes = KeyValueCache.byteCount(shape: model.shape, positions: cached)
    }
    let engine = InferenceEngine(
      model: model, updates: try ServedUpdates([], for: model), options: options)
    defer { engine.shutDown() }
    let error = await #expect(throws: DecoderError.self) {
      try await engine.complete(
        GenerationRequest(prompt: Array(repeating: 5, count: limit - 3), maxTokens: 4))
    }
    let message = try #require(error).description
    #expect(message.contains("\(limit) tokens") && message.contains("set \(origin)"), "\(message)")
  }

  /// What was computed for a short text is no beginning of a long one.
  @Test(arguments: scalings)
  func repliesDoNotDependOnWhatWasAskedBefore(scaling: String) async throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(scaling, in: folder)
    let prompt = (0..<40).map { $0 * 5 % 256 }
    var expected: [[Float?]] = []
    for count in [12, 20, 40, 13] {
      let engine = try Self.engine(model)
      expected.append(try await Self.reply(engine, Array(prompt[..<count]), 8))
      engine.shutDown()
    }
    let engine = try Self.engine(model)
    defer { engine.shutDown() }
    for (count, expected) in zip([12, 20, 40, 13], expected) {
      #expect(try await Self.reply(engine, Array(prompt[..<count]), 8) == expected)
    }
  }

  /// A prompt is read with the angles of its whole length, however it is cut.
  @Test(arguments: scalings)
  func aPromptIsReadAlikeInPieces(scaling: String) async throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(scaling, in: folder)
    let prompt = (0..<40).map { $0 * 7 % 256 }
    let (whole, pieces) = (try Self.engine(model), try Self.engine(model, rows: 5))
    defer {
      whole.shutDown()
      pieces.shutDown()
    }
    #expect(
      try await Self.reply(whole, prompt, 6) == Self.reply(pieces, prompt, 6))
    let logits = try ForwardTests.logits(of: prompt, model: model)
    let first = try #require(try await Self.reply(whole, prompt, 1).first ?? nil)
    let last = try #require(logits.last)
    let best = try #require(last.max())
    let total = last.reduce(0.0) { $0 + exp(Double($1 - best)) }
    #expect(abs(Double(first) + log(total)) < 1e-4)
  }

  /// Training reads a sequence as serving reads a prompt of its length.
  @Test(arguments: scalings)
  func trainingAgrees(scaling: String) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(scaling, in: folder)
    for count in [10, 30] {
      let tokens = (0..<count).map { $0 * 11 % 256 }
      let trainer = try Trainer(model: model, recipe: TrainingRecipe(), threads: 2)
      let example = TrainingExample(
        tokens: tokens, isLabel: tokens.indices.map { $0 == count - 1 })
      let loss = trainer.accumulateGradients([(.sequence(example), nil)])
      let row = try ForwardTests.logits(of: tokens, model: model)[count - 2]
      let best = try #require(row.max())
      let total = row.reduce(0.0) { $0 + exp(Double($1 - best)) }
      let expected = log(total) - Double(row[tokens[count - 1]] - best)
      #expect(abs(loss - expected) < 1e-4)
    }
  }
}
