import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Checkpoints

/// Adapters with whole tensors beside the factors, without effect, or with values that are none.
@Suite("PEFT adapters as found")
struct PEFTWholeTensorTests {
  private static let settings = "\"r\":1,\"lora_alpha\":2"
  private static let prefix = "base_model.model."

  /// A model of one projection, an embedding, a norm, and a head of its own or not.
  private static func model(
    tied: Bool = false
  ) throws -> (TemporaryFolder, Checkpoint) {
    let folder = try TemporaryFolder()
    var tensors: [(name: String, shape: [Int], values: [Float])] = [
      ("model.embed_tokens.weight", [4, 2], (0..<8).map { Float($0) / 3 }),
      ("model.q.weight", [2, 2], [1, 2, 3, 4]), ("model.norm.weight", [2], [5, 6]),
    ]
    if !tied { tensors.append(("lm_head.weight", [4, 2], (0..<8).map { Float($0) / 7 })) }
    try folder.writeTensors(tensors, to: "model.safetensors")
    return (folder, try Checkpoint(folder: folder.url))
  }

  private static func adapter(
    _ settings: String = "\"r\":1,\"lora_alpha\":2", a: [Float] = [1, 1], b: [Float] = [1, 1],
    whole: [(name: String, shape: [Int], values: [Float])] = []
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    // As some editors save it.
    try folder.write(
      "\u{FEFF}{\"peft_type\":\"LORA\",\(settings)}", to: "adapter_config.json")
    var tensors: [(name: String, shape: [Int], values: [Float])] = [
      (prefix + "model.q.lora_A.weight", [1, 2], a),
      (prefix + "model.q.lora_B.weight", [2, 1], b),
    ]
    tensors += whole
    try folder.writeTensors(tensors, to: "adapter_model.safetensors")
    return folder
  }

  @Test(
    "a whole tensor that is the model's own is passed over",
    arguments: [
      ("model.embed_tokens.weight", "model.embed_tokens.weight"),
      ("model.embed_tokens.base_layer.weight", "model.embed_tokens.weight"),
      ("model.embed_tokens.modules_to_save.weight", "model.embed_tokens.weight"),
      ("model.embed_tokens.modules_to_save.default.weight", "model.embed_tokens.weight"),
      ("model.embed_tokens.original_module.weight", "model.embed_tokens.weight"),
      ("lm_head.weight", "lm_head.weight"), ("lm_head.base_layer.weight", "lm_head.weight"),
      ("model.norm.weight", "model.norm.weight"),
      ("model.norm.modules_to_save.default.weight", "model.norm.weight"),
    ])
  func unchanged(key: String, name: String) throws {
    let (_, checkpoint) = try Self.model()
    let tensor = try #require(checkpoint.tensor(named: name))
    let settings = Self.settings + ",\"modules_to_save\":[\"embed_tokens\"]"
    var values = try checkpoint.floats(named: name)
    let same = try Self.adapter(settings, whole: [(Self.prefix + key, tensor.shape, values)])
    let update = try LowRankUpdate(peftFolder: same.url, checkpoint: checkpoint)
    #expect(update.tensors.keys.sorted() == ["model.q.weight"])

    values[0] += 0.5
    let changed = try Self.adapter(settings, whole: [(Self.prefix + key, tensor.shape, values)])
    #expect(
      throws: CheckpointError.adapter(
        folder: changed.url.path,
        .wholeTensorChanged(
          name: Self.prefix + key, shape: tensor.shape, expected: tensor.shape))
    ) { try LowRankUpdate(peftFolder: changed.url, checkpoint: checkpoint) }
  }

  @Test("the head of a tied model is its embedding")
  func tiedHead() throws {
    let (_, checkpoint) = try Self.model(tied: true)
    let values = try checkpoint.floats(named: "model.embed_tokens.weight")
    let same = try Self.adapter(whole: [(Self.prefix + "lm_head.weight", [4, 2], values)])
    #expect(try LowRankUpdate(peftFolder: same.url, checkpoint: checkpoint).tensors.count == 1)
  }

  @Test("a grown vocabulary and a module that the model has not are refused by name")
  func others() throws {
    let (_, checkpoint) = try Self.model()
    let grown = try Self.adapter(whole: [
      (Self.prefix + "model.embed_tokens.weight", [5, 2], [Float](repeating: 0, count: 10))
    ])
    let error = #expect(throws: CheckpointError.self) {
      try LowRankUpdate(peftFolder: grown.url, checkpoint: checkpoint)
    }
    #expect(error?.description.contains("its shape is [5, 2], the checkpoint's [4, 2]") == true)
    #expect(error?.description.contains("merge_and_unload") == true)
    let score = try Self.adapter(whole: [(Self.prefix + "score.weight", [1, 2], [0, 0])])
    let missing = #expect(throws: CheckpointError.self) {
      try LowRankUpdate(peftFolder: score.url, checkpoint: checkpoint)
    }
    #expect(missing?.description.contains("the checkpoint holds no such tensor") == true)
  }

  @Test("a tensor saved in a shorter type is the model's own where it is that rounded")
  func rounded() throws {
    let (_, checkpoint) = try Self.model()
    let folder = try Self.adapter()
    let values = try checkpoint.floats(named: "lm_head.weight")
    let writer = try SafetensorsWriter(
      to: folder.url.appending(path: "adapter_model.safetensors"),
      tensors: [
        TensorDeclaration(
          name: Self.prefix + "model.q.lora_A.weight", dtype: .float32, shape: [1, 2]),
        TensorDeclaration(
          name: Self.prefix + "model.q.lora_B.weight", dtype: .float32, shape: [2, 1]),
        TensorDeclaration(
          name: Self.prefix + "lm_head.weight", dtype: DataType(.bfloat16), shape: [4, 2]),
      ], replaceExisting: true)
    for key in ["model.q.lora_A.weight", "model.q.lora_B.weight"] {
      try writer.write([1, 1], of: Self.prefix + key)
    }
    try writer.write(values, of: Self.prefix + "lm_head.weight")
    try writer.finish()
    #expect(try LowRankUpdate(peftFolder: folder.url, checkpoint: checkpoint).rank == 1)
  }

  @Test("values that are no numbers are named", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(value: Float) throws {
    let (_, checkpoint) = try Self.model()
    let folder = try Self.adapter(b: [1, value])
    #expect(
      throws: CheckpointError.adapter(
        folder: folder.url.path,
        .notFinite(
          name: Self.prefix + "model.q.lora_B.weight", found: "\(value)", count: 1, of: 2))
    ) { try LowRankUpdate(peftFolder: folder.url, checkpoint: checkpoint) }
  }

  @Test("a scale out of its range is named")
  func scale() throws {
    let folder = try Self.adapter("\"r\":1,\"lora_alpha\":1e300")
    #expect {
      _ = try LowRankUpdate(peftFolder: folder.url)
    } throws: { "\($0)".contains("lora_alpha") && "\($0)".contains("1e300") }
  }

  @Test(
    "an adapter without effect says so",
    arguments: [
      (settings, [0, 0], [1, 1]), (settings, [1, 1], [0, 0]),
      ("\"r\":1,\"lora_alpha\":0", [1, 1], [1, 1]),
      ("\"r\":1,\"lora_alpha\":1e-300", [1, 1], [1, 1]),
      ("\"r\":1,\"lora_alpha\":2,\"alpha_pattern\":{\"q\":0}", [1, 1], [1, 1]),
    ] as [(String, [Float], [Float])])
  func withoutEffect(settings: String, b: [Float], a: [Float]) throws {
    let folder = try Self.adapter(settings, a: a, b: b)
    #expect(try LowRankUpdate(peftFolder: folder.url).zeroReason?.contains("lora_B") == true)
    let sound = try Self.adapter()
    #expect(try LowRankUpdate(peftFolder: sound.url).zeroReason == nil)
  }
}
