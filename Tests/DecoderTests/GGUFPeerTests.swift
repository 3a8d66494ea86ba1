import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Decoder

/// GGUF adapters of small random models of every family that llama.cpp has, served by llama.cpp itself, beside
/// our own serving of the same update.
///
/// Not compared, since llama.cpp computes them otherwise than the published models or not at all: windows of
/// Mistral and Phi-3, Qwen3-MoE without `norm_topk_prob` or with dense layers, biases of feed-forward layers.
@Suite struct GGUFPeerTests {
  /// What llama.cpp must give from a prompt on.
  struct Expected: Encodable {
    struct Text: Encodable {
      var greedy: [Int] = []
      var logprobs: [[Float]] = []
    }

    var prompt: [Int]
    var vocabulary: Int
    var tolerance: Float
    var plain: Text
    var adapted: Text
  }

  static let peers = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers")
  /// Of log-probabilities, whose sums llama.cpp takes in another order; its GELU is a table of float16 values.
  private static func tolerance(of model: DecoderModel) -> Float {
    if case .gated(let mlp) = model.shape.blocks.first?.feedForward, mlp.activation != .silu {
      return 5e-3
    }
    return 1e-3
  }

  private static let endOfText = 2

  @Test(
    .tags(.peer),
    .enabled(
      if: PeerPython.executable(with: "transformers") != nil,
      "needs Python with the package transformers: pip install transformers, or set LOXEVAL_PYTHON"),
    .enabled(
      if: PeerPython.executable(with: "gguf") != nil,
      "needs Python with the package gguf: pip install gguf, or set LOXEVAL_PYTHON"),
    .enabled(
      if: PeerPython.executable(with: "xllamacpp") != nil,
      "needs Python with the package xllamacpp: pip install xllamacpp, or set LOXEVAL_PYTHON"))
  func llamaCppServesTheAdapterOfEveryFamilyItHas() throws {
    let folder = try TemporaryFolder()
    try PeerPython.run(
      Self.peers.appending(path: "gguf_models.py"), with: "gguf", [folder.url.path])
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
    try #require(names.count >= 15)
    for name in names {
      do {
        try Self.compare(folder.url.appending(path: name), name)
      } catch {
        Issue.record(error, "\(name)")
      }
    }
  }

  private static func compare(_ folder: URL, _ name: String) throws {
    let checkpoint = try Checkpoint(folder: folder)
    let model = try DecoderModel(checkpoint: checkpoint)
    let update = try update(of: model)
    try update.writeGGUF(
      to: folder.appending(path: "adapter.gguf"), scale: 0.5, for: checkpoint)

    let prompt = (0..<24).map { 4 + ($0 * 37 + 11) % (model.shape.vocabularySize - 4) }
    let expected = Expected(
      prompt: prompt, vocabulary: model.shape.vocabularySize,
      tolerance: tolerance(of: model),
      plain: try text(of: model, from: prompt),
      adapted: try text(of: model, from: prompt, update, scale: 0.5))
    let effect = zip(expected.plain.logprobs[0], expected.adapted.logprobs[0]).map { abs($0 - $1) }
    #expect(try #require(effect.max()) > 0.1, "\(name)")
    try JSONEncoder().encode(expected).write(to: folder.appending(path: "expected.json"))
    let output = try PeerPython.run(
      peers.appending(path: "gguf_served.py"), with: "xllamacpp", [folder.path])
    #expect(!output.isEmpty, "\(name)")
  }

  /// A random change of every layer that adapters can have, and of embedding and head where they are two.
  private static func update(of model: DecoderModel) throws -> LowRankUpdate {
    var recipe = TrainingRecipe()
    recipe.rank = 3
    let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
    for (index, entry) in trainer.decoder.adapters.enumerated() {
      let buffer = entry.adapter.b.value
      FiniteDifference.fill(
        buffer, FiniteDifference.random(buffer.count, seed: UInt64(index), scale: 0.3))
    }
    var update = trainer.adapter.update
    guard !model.checkpoint.hasTiedHead else { return update }
    let (rows, columns) = (model.shape.vocabularySize, model.shape.hiddenSize)
    for (index, name) in ["model.embed_tokens.weight", "lm_head.weight"].enumerated() {
      update.tensors[name] = LowRankUpdate.Factors(
        left: Matrix(
          rows: rows, columns: 2,
          elements: FiniteDifference.random(rows * 2, seed: UInt64(100 + index), scale: 0.3)),
        right: Matrix(
          rows: 2, columns: columns,
          elements: FiniteDifference.random(2 * columns, seed: UInt64(200 + index), scale: 0.3)))
    }
    return update
  }

  /// Greedy ids but for the end of text, up to where two are too close to be told apart.
  private static func text(
    of model: DecoderModel, from prompt: [Int], _ update: LowRankUpdate? = nil, scale: Float = 0
  ) throws -> Expected.Text {
    var text = Expected.Text()
    for _ in 0..<8 {
      let logits = try #require(
        try ForwardTests.logits(
          of: prompt + text.greedy, model: model, updates: update.map { [$0] } ?? [],
          scales: update == nil ? [] : [scale]
        ).last)
      let ranked = logits.indices.filter { $0 != endOfText }.sorted { logits[$0] > logits[$1] }
      if logits[ranked[0]] - logits[ranked[1]] < 2 * tolerance(of: model) { break }
      let largest = try #require(logits.max())
      let sum = logits.reduce(0.0) { $0 + exp(Double($1 - largest)) }
      text.logprobs.append(logits.map { $0 - largest - Float(log(sum)) })
      text.greedy.append(ranked[0])
    }
    try #require(!text.greedy.isEmpty)
    return text
  }
}
