import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct AdapterTests {
  /// A folder with one module's factors (rank 2, in 3, out 2) and the given configuration.
  static func folder(
    _ configuration: String, halves: (String, String) = ("lora_A.weight", "lora_B.weight"),
    module: String = "model.layers.3.self_attn.q_proj"
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(configuration, "adapter_config.json")
    try writeSafetensors(
      [
        "base_model.model.\(module).\(halves.0)": ([2, 3], [1, 2, 3, 4, 5, 6]),
        "base_model.model.\(module).\(halves.1)": ([2, 2], [1, 0, 2, 1]),
      ], to: folder.url.appending(path: "adapter_model.safetensors"))
    return folder
  }

  static let product: [Float] = [1, 2, 3, 6, 9, 12]  // B · A

  static func change(_ update: LowRankUpdate, _ name: String) throws -> [Float] {
    let factors = try #require(update.tensors[name])
    var result: [Float] = []
    for row in 0..<factors.left.rows {
      for column in 0..<factors.right.columns {
        result.append(
          (0..<factors.rank).reduce(Float(0)) {
            $0 + factors.left[row, $1] * factors.right[$1, column]
          })
      }
    }
    return result
  }

  @Test(arguments: [
    ("{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4}", 2.0),
    ("{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4,\"use_rslora\":true}", 4 / 2.0.squareRoot()),
    ("{\"peft_type\":\"LORA\",\"r\":8,\"lora_alpha\":4,\"rank_pattern\":{\"q_proj\":2}}", 2.0),
    (
      "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4,\"alpha_pattern\":{\"layers.3.self_attn.q_proj\":6,\"v_proj\":1}}",
      3.0
    ),
    (
      "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4,\"alpha_pattern\":{\"layers\\\\.\\\\d+\\\\.self_attn\\\\.q_proj\":10}}",
      5.0
    ),
  ])
  func scaleFollowsTheConfiguration(configuration: String, scale: Double) throws {
    let folder = try Self.folder(configuration)
    let update = try LowRankUpdate(peftFolder: folder.url, for: nil)
    let found = try Self.change(update, "model.layers.3.self_attn.q_proj.weight")
    for (value, expected) in zip(found, Self.product) {
      #expect(abs(value - Float(scale) * expected) < 1e-5)
    }
  }

  @Test func embeddingFactorsAreTransposed() throws {
    let folder = try Self.folder(
      "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":2}",
      halves: ("lora_embedding_A", "lora_embedding_B"), module: "model.embed_tokens")
    let update = try LowRankUpdate(peftFolder: folder.url, for: nil)
    let factors = try #require(update.tensors["model.embed_tokens.weight"])
    #expect(factors.shape == [3, 2])
    #expect(try Self.change(update, "model.embed_tokens.weight") == [1, 6, 2, 9, 3, 12])
  }

  @Test(arguments: [
    ("{\"peft_type\":\"IA3\",\"r\":2}", "peft_type IA3"),
    ("{\"peft_type\":\"LORA\",\"r\":2,\"use_dora\":true}", "DoRA"),
    ("{\"peft_type\":\"LORA\",\"r\":2,\"modules_to_save\":[\"lm_head\"]}", "modules_to_save"),
    ("{\"peft_type\":\"LORA\",\"r\":2,\"bias\":\"all\"}", "bias all"),
    ("{\"peft_type\":\"LORA\",\"r\":3}", "rank 3"),
    ("{\"peft_type\":\"LORA\"}", "r in adapter_config.json"),
    ("nonsense", "adapter_config.json"),
  ])
  func refusesWhatItCannotRepresent(configuration: String, naming: String) throws {
    let folder = try Self.folder(configuration)
    let error = #expect(throws: CheckpointError.self) {
      _ = try LowRankUpdate(peftFolder: folder.url, for: nil)
    }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }

  @Test func writtenAdaptersReadBackTheSame() throws {
    var generator = SplitMix64(seed: 4)
    func random(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(
        rows: rows, columns: columns,
        elements: (0..<rows * columns).map { _ in Float(generator.nextUnit() - 0.5) })
    }
    let update = LowRankUpdate(tensors: [
      "model.embed_tokens.weight": .init(left: random(9, 3), right: random(3, 4)),
      "model.layers.0.mlp.up_proj.weight": .init(left: random(5, 2), right: random(2, 4)),
    ])
    let folder = try TemporaryFolder()
    let target = folder.url.appending(path: "adapter")
    try update.writePEFT(to: target, scale: 1.25, baseModel: "test")
    let read = try LowRankUpdate(peftFolder: target, for: nil)
    #expect(read.rank == 3)
    for name in update.tensors.keys {
      for (found, expected) in zip(try Self.change(read, name), try Self.change(update, name)) {
        #expect(abs(found - 1.25 * expected) < 1e-6)
      }
    }
    #expect(throws: CheckpointError.outputExists(path: target.path)) {
      try update.writePEFT(to: target, scale: 1, baseModel: "test")
    }
  }

  @Test(
    .enabled(if: SharedMaterial.has("golden/tiny-llama"), "needs shared/golden/tiny-llama"),
    arguments: ["lora-initial", "lora-trained"])
  func readsWhatPEFTWrote(name: String) throws {
    let tiny = SharedMaterial.folder.appending(path: "golden/tiny-llama")
    let update = try LowRankUpdate(
      peftFolder: tiny.appending(path: name), for: Checkpoint(folder: tiny))
    #expect(!update.tensors.isEmpty)
  }
}
