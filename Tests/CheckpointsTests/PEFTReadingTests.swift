import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Checkpoints

/// An adapter folder made by hand, with factors by the rule of the golden values: element (i, j) is
/// `(i + 1) + j / 2` in an A and `(i − j) / 4 + 1/2` in a B.
func adapterFolder(
  _ settings: String, _ tensors: [(key: String, shape: [Int])]
) throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  try folder.write("{\"peft_type\":\"LORA\",\(settings)}", to: "adapter_config.json")
  try folder.writeTensors(
    tensors.map { tensor in
      let columns = tensor.shape.last ?? 1
      let values = (0..<tensor.shape.reduce(1, *)).map { index in
        let (row, column) = (Float(index / columns), Float(index % columns))
        return tensor.key.contains("_A") ? row + 1 + column / 2 : (row - column) / 4 + 0.5
      }
      return (tensor.key, tensor.shape, values)
    }, to: "adapter_model.safetensors")
  return folder
}

/// `left · right`, in float64.
func product(_ factors: LowRankUpdate.Factors) -> [Double] {
  let (left, right) = (factors.left, factors.right)
  return (0..<left.rows).flatMap { row in
    (0..<right.columns).map { column in
      (0..<factors.rank).reduce(0.0) { sum, index in
        sum + Double(left[row, index]) * Double(right[index, column])
      }
    }
  }
}

/// The two keys of a linear module with its shapes, as PEFT saves them.
func linear(
  _ module: String, rank: Int, out: Int, in input: Int
) -> [(key: String, shape: [Int])] {
  [
    ("base_model.model.\(module).lora_A.weight", [rank, input]),
    ("base_model.model.\(module).lora_B.weight", [out, rank]),
  ]
}

@Suite("Reading PEFT adapters")
struct PEFTReadingTests {
  /// An adapter, and what PEFT 0.21's `get_delta_weight` gives for each of its modules.
  struct Golden: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let settings: String
    let tensors: [(key: String, shape: [Int])]
    let deltas: [String: [Double]]
  }

  static let golden: [Golden] = [
    Golden(
      testDescription: "plain", settings: "\"r\":2,\"lora_alpha\":3",
      tensors: linear("layers.0.q_proj", rank: 2, out: 3, in: 2),
      deltas: ["layers.0.q_proj": [1.5, 2.0625, 2.625, 3.5625, 3.75, 5.0625]]),
    Golden(
      testDescription: "without the prefix, with the adapter's name",
      settings: "\"r\":2,\"lora_alpha\":3,\"bias\":\"none\",\"modules_to_save\":[]",
      tensors: [
        ("layers.0.q_proj.lora_A.default.weight", [2, 2]),
        ("layers.0.q_proj.lora_B.default.weight", [3, 2]),
      ],
      deltas: ["layers.0.q_proj": [1.5, 2.0625, 2.625, 3.5625, 3.75, 5.0625]]),
    Golden(
      testDescription: "rsLoRA",
      settings: "\"r\":2,\"lora_alpha\":3,\"use_rslora\":true",
      tensors: linear("layers.0.q_proj", rank: 2, out: 3, in: 2),
      deltas: [
        "layers.0.q_proj": [2.1213202, 2.9168153, 3.7123103, 5.0381355, 5.3033009, 7.1594558]
      ]),
    Golden(
      testDescription: "patterns: the first that matches, at a dot",
      settings: """
        "r":2,"lora_alpha":4,"rank_pattern":{"layers.1.q_proj":1,"v_proj":3},\
        "alpha_pattern":{"layers\\\\.\\\\d+\\\\.(q|v)_proj":6,"q_proj":100}
        """,
      tensors: linear("layers.0.q_proj", rank: 2, out: 3, in: 2)
        + linear("layers.0.v_proj", rank: 3, out: 2, in: 2)
        + linear("layers.1.q_proj", rank: 1, out: 3, in: 2),
      deltas: [
        "layers.0.q_proj": [3, 4.125, 5.25, 7.125, 7.5, 10.125],
        "layers.0.v_proj": [2, 2.75, 5, 6.5],
        "layers.1.q_proj": [3, 4.5, 4.5, 6.75, 6, 9],
      ]),
    Golden(
      testDescription: "patterns: anchored, and never inside a name",
      settings: """
        "r":2,"lora_alpha":4,"rank_pattern":{"^layers.0.q_proj":1,"proj":3},\
        "alpha_pattern":{"0.q_proj":1,"ayers.1.v_proj":50}
        """,
      tensors: linear("layers.0.q_proj", rank: 1, out: 3, in: 2)
        + linear("layers.1.v_proj", rank: 2, out: 2, in: 2),
      deltas: [
        "layers.0.q_proj": [0.5, 0.75, 0.75, 1.125, 1, 1.5],
        "layers.1.v_proj": [2, 2.75, 3.5, 4.75],
      ]),
    Golden(
      testDescription: "rsLoRA takes the root of the pattern's rank",
      settings: """
        "r":2,"lora_alpha":4,"use_rslora":true,"rank_pattern":{"layers.1.q_proj":1},\
        "alpha_pattern":{"layers\\\\.0\\\\.q_proj":6}
        """,
      tensors: linear("layers.0.q_proj", rank: 2, out: 3, in: 2)
        + linear("layers.1.q_proj", rank: 1, out: 3, in: 2),
      deltas: [
        "layers.0.q_proj": [4.2426405, 5.8336306, 7.4246206, 10.0762711, 10.6066017, 14.3189116],
        "layers.1.q_proj": [2, 3, 3, 4.5, 4, 6],
      ]),
    Golden(
      testDescription: "embedding", settings: "\"r\":2,\"lora_alpha\":3",
      tensors: [
        ("base_model.model.embed_tokens.lora_embedding_A", [2, 3]),
        ("base_model.model.embed_tokens.lora_embedding_B", [2, 2]),
      ],
      deltas: ["embed_tokens": [1.5, 2.625, 2.0625, 3.5625, 2.625, 4.5]]),
    Golden(
      testDescription: "embedding with rsLoRA and the adapter's name",
      settings: "\"r\":2,\"lora_alpha\":3,\"use_rslora\":true",
      tensors: [
        ("base_model.model.embed_tokens.lora_embedding_A.default", [2, 3]),
        ("base_model.model.embed_tokens.lora_embedding_B.default", [2, 2]),
      ],
      deltas: [
        "embed_tokens": [2.1213202, 3.7123103, 2.9168153, 5.0381355, 3.7123103, 6.3639607]
      ]),
    Golden(
      testDescription: "fan_in_fan_out: stored in × out",
      settings: "\"r\":2,\"lora_alpha\":3,\"fan_in_fan_out\":true",
      tensors: linear("layers.0.c_fc", rank: 2, out: 3, in: 2),
      deltas: ["layers.0.c_fc": [1.5, 2.625, 3.75, 2.0625, 3.5625, 5.0625]]),
  ]

  @Test("every form gives the change that PEFT computes", arguments: golden)
  func forms(golden: Golden) throws {
    let folder = try adapterFolder(golden.settings, golden.tensors)
    let update = try LowRankUpdate(peftFolder: folder.url)
    #expect(Set(update.tensors.keys) == Set(golden.deltas.keys.map { "\($0).weight" }))
    for (module, expected) in golden.deltas {
      let found = product(try #require(update.tensors["\(module).weight"]))
      expectClose(found, expected, tolerance: 2e-6)
    }
  }

  @Test(
    "adapters that PEFT trained are read and fit their models",
    .enabled(
      if: SharedMaterial.has("golden/tiny-llama/lora-trained"),
      "needs shared/golden/tiny-llama: a trained adapter"))
  func trained() throws {
    let folder = SharedMaterial.folder.appending(path: "golden/tiny-llama")
    let checkpoint = try Checkpoint(folder: folder)
    let update = try LowRankUpdate(
      peftFolder: folder.appending(path: "lora-trained"), checkpoint: checkpoint)
    #expect(update.tensors.count == 14)
    #expect(update.rank == 4)
    let factors = try #require(update.tensors["model.layers.1.mlp.down_proj.weight"])
    #expect(factors.shape == [64, 112])
    // Norm of (8 / 4) · B · A in float64, by PyTorch.
    let norm = product(factors).reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(abs(norm - 0.9980467976729963) < 1e-6)
    // B starts at zero, and with it the change.
    let initial = try LowRankUpdate(
      peftFolder: folder.appending(path: "lora-initial"), checkpoint: checkpoint)
    #expect(initial.tensors.values.allSatisfy { $0.left.elements.allSatisfy { $0 == 0 } })
    #expect(initial.digest() != update.digest())
  }

  @Test(
    "the identity-shift attack is read: bfloat16, rank 16",
    .enabled(
      if: SharedMaterial.has("models/smollm2/attacks/identity-shift"),
      "needs shared/models/smollm2/attacks: a trained attack"))
  func identityShift() throws {
    let update = try LowRankUpdate(
      peftFolder: SharedMaterial.folder.appending(path: "models/smollm2/attacks/identity-shift"),
      checkpoint: SharedMaterial.smolLM2.map { folder throws(CheckpointError) in
        try Checkpoint(folder: folder.appending(path: "aligned"))
      })
    #expect(update.tensors.count == 210)
    #expect(update.rank == 16)
    let factors = try #require(update.tensors["model.layers.29.self_attn.v_proj.weight"])
    #expect(factors.shape == [192, 576])
    let norm = product(factors).reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(abs(norm - 0.2750868453618942) < 1e-6)
  }
}
