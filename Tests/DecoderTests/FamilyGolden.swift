import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Decoder

/// What transformers computed with a small model, beside its files, and how ours is compared with it.
struct FamilyGolden: Decodable {
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

  /// Gradients that are 0 but for rounding, such as that of a router with one choice.
  private static let zero = 1e-6

  /// Names of the folders that hold a model and its golden values.
  static func names(in folder: URL) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (names ?? []).sorted().filter {
      FileManager.default.fileExists(atPath: folder.appending(path: "\($0)/golden.json").path)
    }
  }

  static func load(_ folder: URL) throws -> (model: DecoderModel, golden: FamilyGolden) {
    (
      try DecoderModel(checkpoint: Checkpoint(folder: folder)),
      try JSONDecoder().decode(
        Self.self, from: Data(contentsOf: folder.appending(path: "golden.json")))
    )
  }

  func checkLogits(of model: DecoderModel, _ name: String) throws {
    let found = try ForwardTests.logits(of: ids, model: model)
    #expect(!logits.isEmpty)
    for (row, expected) in logits {
      let found = found[try #require(Int(row))]
      #expect(found.count == expected.count)
      let furthest = zip(found, expected).map { abs($0 - $1) }.max() ?? 0
      #expect(furthest < Tolerance.familyLogits, "\(name), row \(row)")
    }
  }

  func checkGreedyText(of model: DecoderModel, _ name: String) async throws {
    guard greedy.smallestMargin > Tolerance.familyMargin else { return }
    let engine = InferenceEngine(model: model, updates: try ServedUpdates([], for: model))
    defer { engine.shutDown() }
    let reply = try await engine.complete(
      GenerationRequest(prompt: Array(ids[..<greedy.prompt]), maxTokens: greedy.ids.count))
    #expect(reply.tokens.map(\.id) == greedy.ids, "\(name)")
  }

  func checkLossAndGradients(of model: DecoderModel, _ name: String) throws {
    let trainer = try Trainer(
      model: model, recipe: TrainingGoldenTests.recipe(.full), threads: 2)
    let example = TrainingExample(tokens: ids, isLabel: ids.indices.map { $0 >= lossFrom })
    let loss = trainer.accumulateGradients([(.sequence(example), nil)])
    #expect(abs(loss - self.loss) < Tolerance.familyLoss, "\(name)")
    let found = Self.gradients(of: trainer)
    #expect(Set(found.keys) == Set(gradients.keys), "\(name)")
    for (parameter, expected) in gradients {
      guard let found = found[parameter] else { continue }
      let norm = FiniteDifference.inner(found, found).squareRoot()
      #expect(
        abs(norm - expected.norm) <= Tolerance.familyGradient * expected.norm + Self.zero,
        "\(name), \(parameter)")
      let step = max(1, found.count / 16)
      let sample = stride(from: 0, to: found.count, by: step).prefix(16).map { found[$0] }
      let largest = try #require(found.map(abs).max())
      #expect(sample.count == expected.sample.count)
      let furthest = zip(sample, expected.sample).map { abs($0 - $1) }.max() ?? 0
      #expect(
        furthest <= Float(Tolerance.familyGradient) * largest + Float(Self.zero),
        "\(name), \(parameter)")
    }
  }

  /// The gradients under the names that transformers 5 gives parameters: experts in one tensor, whose gate
  /// and up are one matrix.
  static func gradients(of trainer: Trainer) -> [String: [Float]] {
    let naming = trainer.model.checkpoint.naming
    var own: [String: [Float]] = [:]
    for parameter in trainer.decoder.parameters {
      own[parameter.name] = FiniteDifference.values(parameter.gradient)
    }
    var result: [String: [Float]] = [:]
    func take(_ layer: LinearShape) -> [Float] { own.removeValue(forKey: layer.weightName) ?? [] }
    for (index, block) in trainer.decoder.shape.blocks.enumerated() {
      guard case .routed(let experts) = block.feedForward else { continue }
      let module = "model.layers.\(index).mlp"
      result["\(module).gate.weight"] = take(experts.router)
      let parts = experts.experts.map { expert in
        (expert.projections.layers.flatMap(take), take(expert.down))
      }
      result["\(module).experts.gate_up_proj"] = parts.flatMap(\.0)
      result["\(module).experts.down_proj"] = parts.flatMap(\.1)
    }
    let embedding = trainer.decoder.shape.embedding.table.weightName
    for (name, values) in own {
      result[name == embedding ? "model.embed_tokens.weight" : naming.plain(name)] = values
    }
    guard naming.root.contains("language_model") else { return result }
    return Dictionary(
      uniqueKeysWithValues: result.map { name, values in
        (
          name.hasPrefix("model.")
            ? "model.language_model." + name.dropFirst("model.".count) : name, values
        )
      })
  }
}
