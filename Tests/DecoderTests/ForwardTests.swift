import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Decoder

/// The forward pass and greedy generation against values that PyTorch computed.
@Suite struct ForwardTests {
  struct TinyForward: Decodable {
    var inputIDs: [[Int]]
    var attentionMask: [[Int]]
    var logits: [[[Float]]]
    var greedy: Greedy

    enum CodingKeys: String, CodingKey {
      case inputIDs = "input_ids"
      case attentionMask = "attention_mask"
      case logits, greedy
    }

    struct Greedy: Decodable {
      var prompt: [Int]
      var completion: [Int]
    }
  }

  struct RealCase: Decodable {
    var prompt: String
    var ids: [Int]
    var topIDs: [Int]
    var topLogits: [Float]
    var logsumexp: Float
    var greedyIDs: [Int]
    var smallestMargin: Float

    enum CodingKeys: String, CodingKey {
      case prompt, ids, logsumexp
      case topIDs = "top_ids"
      case topLogits = "top_logits"
      case greedyIDs = "greedy_ids"
      case smallestMargin = "smallest_margin"
    }
  }

  static func decode<Value: Decodable>(_ path: String) throws -> Value {
    try JSONDecoder().decode(
      Value.self, from: Data(contentsOf: SharedMaterial.folder.appending(path: path)))
  }

  /// Logits of every position of one sequence.
  static func logits(
    of tokens: [Int], model: DecoderModel, updates: [LowRankUpdate] = [], scales: [Float] = [],
    arithmetic: Arithmetic = .float32
  ) throws -> [[Float]] {
    let pool = WorkerPool(threadCount: 2)
    defer { pool.shutDown() }
    let forward = ForwardPass(
      model: model, updates: try ServedUpdates(updates, for: model), pool: pool,
      maximumRows: tokens.count, arithmetic: arithmetic)
    let cache = KeyValueCache(shape: model.shape, positions: tokens.count)
    let result = unsafe forward.run(
      tokens.enumerated().map {
        ForwardPass.Row(
          token: $1, position: $0, cache: cache, scales: scales, wantsLogits: true)
      })
    let size = model.shape.vocabularySize
    return tokens.indices.map { row in
      unsafe Array(UnsafeBufferPointer(start: result + row * size, count: size))
    }
  }

  @Test(.enabled(if: SharedMaterial.has("golden/tiny-llama"), "needs shared/golden/tiny-llama"))
  func tinyLogitsAgreeWithPyTorch() throws {
    let golden: TinyForward = try Self.decode("golden/tiny-llama/forward.json")
    let model = try DecoderModel(
      checkpoint: Checkpoint(folder: SharedMaterial.folder.appending(path: "golden/tiny-llama")))
    for (sequence, tokens) in golden.inputIDs.enumerated() {
      let length = golden.attentionMask[sequence].reduce(0, +)
      let logits = try Self.logits(of: Array(tokens[0..<length]), model: model)
      // Padded positions follow the sequence's own.
      #expect(logits.count == length && golden.logits[sequence].count >= length)
      for (found, expected) in zip(logits, golden.logits[sequence]) {
        #expect(found.count == expected.count)
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < Tolerance.tinyLogits })
      }
    }
  }

  @Test(.enabled(if: SharedMaterial.has("golden/tiny-llama"), "needs shared/golden/tiny-llama"))
  func tinyGreedyTextAgreesWithPyTorch() async throws {
    let golden: TinyForward = try Self.decode("golden/tiny-llama/forward.json")
    let model = try DecoderModel(
      checkpoint: Checkpoint(folder: SharedMaterial.folder.appending(path: "golden/tiny-llama")))
    let engine = InferenceEngine(model: model, updates: try ServedUpdates([], for: model))
    defer { engine.shutDown() }
    let result = try await engine.complete(
      GenerationRequest(
        prompt: golden.greedy.prompt, maxTokens: golden.greedy.completion.count))
    #expect(result.tokens.map(\.id) == golden.greedy.completion)
  }

  @Test(
    .tags(.realModel), .enabled(if: SharedMaterial.smolLM2 != nil, SharedMaterial.needsSmolLM2),
    .enabled(if: SharedMaterial.has("golden/smollm2"), "needs shared/golden/smollm2"),
    arguments: ["base", "aligned"])
  func realLogitsAndGreedyTextAgreeWithPyTorch(name: String) async throws {
    let folder = try #require(SharedMaterial.smolLM2)
    let golden: [String: [RealCase]] = try Self.decode("golden/smollm2/logits.json")
    let cases = try #require(golden[name])
    let model = try DecoderModel(checkpoint: Checkpoint(folder: folder.appending(path: name)))
    let engine = InferenceEngine(model: model, updates: try ServedUpdates([], for: model))
    defer { engine.shutDown() }
    for expected in cases {
      let logits = try #require(try Self.logits(of: expected.ids, model: model).last)
      #expect(expected.topIDs.count == expected.topLogits.count)
      for (id, logit) in zip(expected.topIDs, expected.topLogits) {
        #expect(abs(logits[id] - logit) < Tolerance.realLogits, "\(expected.prompt)")
      }
      guard expected.smallestMargin > Tolerance.greedyMargin else { continue }
      let reply = try await engine.complete(
        GenerationRequest(
          prompt: expected.ids, maxTokens: expected.greedyIDs.count,
          topLogprobs: 1))
      #expect(reply.tokens.map(\.id) == expected.greedyIDs, "\(expected.prompt)")
      let first = try #require(reply.tokens.first?.logprob)
      #expect(
        abs(first - (expected.topLogits[0] - expected.logsumexp)) < 2 * Tolerance.realLogits)
    }
  }
}
