import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Writing PEFT adapters")
struct PEFTWritingTests {
  private static func matrix(_ rows: Int, _ columns: Int, from start: Int) -> Matrix<Float> {
    Matrix<Float>(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { Float(start + $0) / 8 })
  }

  private static func update() -> LowRankUpdate {
    LowRankUpdate(tensors: [
      "model.embed_tokens.weight": .init(
        left: matrix(5, 2, from: 1), right: matrix(2, 3, from: 3)),
      "model.layers.0.self_attn.q_proj.weight": .init(
        left: matrix(4, 3, from: -5), right: matrix(3, 3, from: 2)),
      "model.layers.1.self_attn.q_proj.weight": .init(
        left: matrix(4, 1, from: 7), right: matrix(1, 3, from: -1)),
    ])
  }

  @Test("what is written reads back as the scaled update", arguments: [1, 1.25, -0.3])
  func roundTrip(scale: Double) throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appending(path: "adapter")
    let update = Self.update()
    try update.writePEFT(to: output, scale: scale)
    let read = try LowRankUpdate(peftFolder: output)
    #expect(read.tensors.keys.sorted() == update.tensors.keys.sorted())
    #expect(read.tensors.values.allSatisfy { $0.rank == 3 })
    for (name, factors) in update.tensors {
      let found = product(try #require(read.tensors[name]))
      expectRelativelyClose(found, product(factors).map { scale * $0 }, tolerance: 1e-6)
    }
    #expect(
      folder.contents == [
        "adapter", "adapter/adapter_config.json", "adapter/adapter_model.safetensors",
      ])
  }

  @Test("one rank, one alpha, no patterns; smaller ranks padded, embeddings transposed")
  func form() throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appending(path: "adapter")
    try Self.update().writePEFT(to: output, scale: 1.25, baseModel: "aligned")
    let configuration = try String(
      contentsOf: output.appending(path: "adapter_config.json"), encoding: .utf8)
    #expect(
      configuration == """
        {
          "alpha_pattern": {},
          "base_model_name_or_path": "aligned",
          "bias": "none",
          "fan_in_fan_out": false,
          "inference_mode": true,
          "init_lora_weights": true,
          "lora_alpha": 3.75,
          "lora_dropout": 0.0,
          "modules_to_save": null,
          "peft_type": "LORA",
          "r": 3,
          "rank_pattern": {},
          "target_modules": [
            "embed_tokens",
            "q_proj"
          ],
          "task_type": "CAUSAL_LM",
          "use_dora": false,
          "use_rslora": false
        }

        """)
    let file = try SafetensorsFile(output.appending(path: "adapter_model.safetensors"))
    let shapes = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.shape) })
    #expect(
      shapes == [
        "base_model.model.model.embed_tokens.lora_embedding_A": [3, 5],
        "base_model.model.model.embed_tokens.lora_embedding_B": [3, 3],
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": [3, 3],
        "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight": [4, 3],
        "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight": [3, 3],
        "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight": [4, 3],
      ])
    let padded = try #require(
      file.tensor(named: "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight"))
    #expect(
      try file.floats(of: padded) == [0.875, 0, 0, 1, 0, 0, 1.125, 0, 0, 1.25, 0, 0])
  }

  @Test("a tied model's embedding is written for the head too, and read back as one")
  func tied() throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appending(path: "adapter")
    try Self.update().writePEFT(to: output, tiesHead: true)
    let file = try SafetensorsFile(output.appending(path: "adapter_model.safetensors"))
    #expect(file.tensor(named: "base_model.model.lm_head.lora_B.weight")?.shape == [5, 3])
    try folder.writeTensors(
      [
        ("model.embed_tokens.weight", [5, 3], [Float](repeating: 0, count: 15)),
        ("model.layers.0.self_attn.q_proj.weight", [4, 3], [Float](repeating: 0, count: 12)),
        ("model.layers.1.self_attn.q_proj.weight", [4, 3], [Float](repeating: 0, count: 12)),
      ], to: "model/model.safetensors")
    let checkpoint = try Checkpoint(folder: folder.url.appending(path: "model"))
    let read = try LowRankUpdate(peftFolder: output, checkpoint: checkpoint)
    #expect(read.tensors.keys.sorted() == Self.update().tensors.keys.sorted())
  }

  @Test(
    "modules are named by kind only where all layers have the same",
    arguments: [
      (["model.layers.0.a.q", "model.layers.1.a.q", "lm_head"], ["lm_head", "q"]),
      (
        ["model.layers.0.a.q", "model.layers.2.a.q"], ["model.layers.0.a.q", "model.layers.2.a.q"]
      ),
      (["layers.0.q", "layers.0.v", "layers.1.q"], ["layers.0.q", "layers.0.v", "layers.1.q"]),
      (["embed_tokens"], ["embed_tokens"]),
    ])
  func targetModules(modules: [String], expected: [String]) {
    #expect(LowRankUpdate.targetModules(modules) == expected)
  }

  @Test("what cannot be written is refused, and an existing folder is kept")
  func refusals() throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appending(path: "adapter")
    #expect(throws: CheckpointError.adapter(folder: output.path, .empty)) {
      try LowRankUpdate().writePEFT(to: output)
    }
    let factors = LowRankUpdate.Factors(
      left: Matrix<Float>(rows: 2, columns: 1), right: Matrix<Float>(rows: 1, columns: 2))
    let experts = LowRankUpdate(tensors: ["layers.0.experts.down": factors])
    #expect(
      throws: CheckpointError.adapter(
        folder: output.path,
        .notWritable(
          tensor: "layers.0.experts.down", reason: "it is not the weight of a module"))
    ) { try experts.writePEFT(to: output) }
    let both = LowRankUpdate(tensors: ["embed_tokens.weight": factors, "lm_head.weight": factors])
    #expect(throws: CheckpointError.adapter(folder: output.path, .tiedHead(module: "lm_head"))) {
      try both.writePEFT(to: output, tiesHead: true)
    }
    try folder.write("mine", to: "adapter/notes.txt")
    #expect(throws: CheckpointError.fileSystem(.outputExists(path: output.path))) {
      try Self.update().writePEFT(to: output)
    }
    #expect(folder.contents == ["adapter", "adapter/notes.txt"])
    try Self.update().writePEFT(to: output, replaceExisting: true)
    #expect(folder.contents.count == 3)
  }
}
