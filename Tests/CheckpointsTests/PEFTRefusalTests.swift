import Foundation
import Testing

@testable import Checkpoints

@Suite("PEFT adapters that are refused")
struct PEFTRefusalTests {
  typealias Fault = CheckpointError.AdapterFault

  private static let plain = "\"r\":2,\"lora_alpha\":3"
  private static let module = linear("layers.0.q_proj", rank: 2, out: 3, in: 2)
  private static let keyA = "base_model.model.layers.0.q_proj.lora_A.weight"
  private static let keyB = "base_model.model.layers.0.q_proj.lora_B.weight"

  /// Settings after `peft_type`, and the fault they must be refused with.
  @Test(
    "settings under which the change is no plain low-rank update, or that are malformed",
    arguments: [
      (
        "\"r\":2,\"lora_alpha\":3,\"peft_type\":\"LORA\"",
        .settingInvalid(key: "peft_type", expected: "given once", found: "two of it")
      ),
      (
        "\"lora_alpha\":3",
        .settingInvalid(key: "r", expected: "a whole number from 1 to 1048576", found: "nothing")
      ),
      (
        "\"r\":0,\"lora_alpha\":3",
        .settingInvalid(key: "r", expected: "a whole number from 1 to 1048576", found: "0")
      ),
      (
        "\"r\":2,\"lora_alpha\":\"3\"",
        .settingInvalid(
          key: "lora_alpha", expected: "a number from -1000000000 to 1000000000", found: "\"3\"")
      ),
      (
        plain + ",\"use_rslora\":1",
        .settingInvalid(key: "use_rslora", expected: "true or false", found: "1")
      ),
      (
        plain + ",\"rank_pattern\":{\"q\":0}",
        .settingInvalid(
          key: "rank_pattern of q", expected: "a whole number from 1 to 1048576", found: "0")
      ),
      (
        plain + ",\"alpha_pattern\":{\"(\":1}",
        .settingInvalid(
          key: "alpha_pattern",
          expected: "regular expressions without look-around, back-references or flags as keys",
          found: "(")
      ),
      (
        plain + ",\"alpha_pattern\":[]",
        .settingInvalid(
          key: "alpha_pattern", expected: "an object with each key once", found: "[]")
      ),
      (
        plain + ",\"bias\":\"all\"",
        .settingUnsupported(
          key: "bias", found: "\"all\"", reason: "biases were trained beside the factors")
      ),
      (
        plain + ",\"use_dora\":true",
        .settingUnsupported(
          key: "use_dora", found: "true",
          reason:
            "DoRA scales the columns of the changed weight, which is no low-rank update")
      ),
      (
        plain + ",\"init_lora_weights\":\"pissa\"",
        .settingUnsupported(
          key: "init_lora_weights", found: "pissa",
          reason: "it changes the base weights; save the adapter again, converted to plain LoRA")
      ),
      (
        plain + ",\"trainable_token_indices\":{\"embed_tokens\":[1]}",
        .settingUnsupported(
          key: "trainable_token_indices", found: "{\"embed_tokens\":[1]}",
          reason: "single embedding rows were trained beside the factors")
      ),
    ] as [(String, Fault)])
  func settings(settings: String, fault: Fault) throws {
    let folder = try adapterFolder(settings, Self.module)
    #expect(throws: CheckpointError.adapter(folder: folder.url.path, fault)) {
      try LowRankUpdate(peftFolder: folder.url)
    }
  }

  @Test(
    "configurations that are no configuration",
    arguments: [
      ("{\"peft_type\"", .notJSON(reason: "expected a colon after a key", offset: 12)),
      ("[]", .settingInvalid(key: "the file", expected: "an object of settings", found: "[]")),
      ("{}", .settingInvalid(key: "peft_type", expected: "a string", found: "nothing")),
      (
        "{\"peft_type\":\"IA3\"}",
        .settingUnsupported(
          key: "peft_type", found: "IA3", reason: "only LORA adapters are low-rank updates")
      ),
    ] as [(String, Fault)])
  func configurations(text: String, fault: Fault) throws {
    let folder = try adapterFolder(Self.plain, Self.module)
    try folder.write(text, to: "adapter_config.json")
    #expect(throws: CheckpointError.adapter(folder: folder.url.path, fault)) {
      try LowRankUpdate(peftFolder: folder.url)
    }
    try folder.write([0xFF], to: "adapter_config.json")
    #expect(throws: CheckpointError.adapter(folder: folder.url.path, .notUTF8)) {
      try LowRankUpdate(peftFolder: folder.url)
    }
  }

  @Test(
    "tensors that are no factors, or not in pairs of the configured rank",
    arguments: [
      ([], .empty),
      (
        [module[0]],
        .halfMissing(module: "layers.0.q_proj", found: "lora_A", missing: "lora_B")
      ),
      (
        [module[1]],
        .halfMissing(module: "layers.0.q_proj", found: "lora_B", missing: "lora_A")
      ),
      (
        [("base_model.model.embed_tokens.lora_embedding_B", [2, 2])],
        .halfMissing(
          module: "embed_tokens", found: "lora_embedding_B", missing: "lora_embedding_A")
      ),
      (
        module + [("layers.0.q_proj.lora_A.default.weight", [2, 2])],
        .givenTwice(module: "layers.0.q_proj")
      ),
      (
        module + [("layers.0.q_proj.lora_embedding_A", [2, 2])],
        .givenTwice(module: "layers.0.q_proj")
      ),
      (
        [(keyA, [3, 2]), (keyB, [3, 2])],
        .rankMismatch(module: "layers.0.q_proj", expected: 2, found: 3, tensor: keyA)
      ),
      (
        [(keyA, [2, 2]), (keyB, [3, 1])],
        .rankMismatch(module: "layers.0.q_proj", expected: 2, found: 1, tensor: keyB)
      ),
      ([(keyA, [2, 2, 1, 1]), (keyB, [3, 2])], .notAMatrix(name: keyA, shape: [2, 2, 1, 1])),
      (
        module + [("base_model.model.layers.0.q_proj.lora_magnitude_vector", [3])],
        .tensorUnsupported(
          name: "base_model.model.layers.0.q_proj.lora_magnitude_vector",
          reason: "it is DoRA's magnitude, not a low-rank change")
      ),
      (
        module + [("base_model.model.layers.0.q_proj.bias", [3])],
        .wholeTensorChanged(
          name: "base_model.model.layers.0.q_proj.bias", shape: [3], expected: nil)
      ),
      (
        module + [("base_model.model.lm_head.modules_to_save.weight", [3, 2])],
        .wholeTensorChanged(
          name: "base_model.model.lm_head.modules_to_save.weight", shape: [3, 2], expected: nil)
      ),
      (
        module + [("base_model.model.lm_head.weight", [3, 2])],
        .wholeTensorChanged(
          name: "base_model.model.lm_head.weight", shape: [3, 2], expected: nil)
      ),
      (
        module + [("base_model.model.lm_head.base_layer.weight", [3, 2])],
        .wholeTensorChanged(
          name: "base_model.model.lm_head.base_layer.weight", shape: [3, 2], expected: nil)
      ),
    ] as [([(key: String, shape: [Int])], Fault)])
  func tensors(tensors: [(key: String, shape: [Int])], fault: Fault) throws {
    let folder = try adapterFolder(Self.plain, tensors)
    #expect(throws: CheckpointError.adapter(folder: folder.url.path, fault)) {
      try LowRankUpdate(peftFolder: folder.url)
    }
  }

  @Test("factors of a type that is only carried through are refused")
  func carriedType() throws {
    let folder = try adapterFolder(Self.plain, [])
    let header = """
      {"\(Self.keyA)":{"dtype":"F64","shape":[2,2],"data_offsets":[0,32]}}
      """
    try folder.write(safetensors(header, dataByteCount: 32), to: "adapter_model.safetensors")
    #expect(
      throws: CheckpointError.adapter(
        folder: folder.url.path,
        .tensorUnsupported(name: Self.keyA, reason: "it is stored as F64"))
    ) { try LowRankUpdate(peftFolder: folder.url) }
  }

  @Test("missing files are named, and pickled weights are not read")
  func missingFiles() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    let gone = folder.url.appending(path: "gone")
    #expect(throws: CheckpointError.fileSystem(.folderMissing(path: gone.path))) {
      try LowRankUpdate(peftFolder: gone)
    }
    #expect(throws: CheckpointError.adapter(folder: path, .configurationMissing)) {
      try LowRankUpdate(peftFolder: folder.url)
    }
    try folder.write(
      "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":3}", to: "adapter_config.json")
    #expect(throws: CheckpointError.adapter(folder: path, .weightsMissing(pickled: false))) {
      try LowRankUpdate(peftFolder: folder.url)
    }
    try folder.write("x", to: "adapter_model.bin")
    #expect(throws: CheckpointError.adapter(folder: path, .weightsMissing(pickled: true))) {
      try LowRankUpdate(peftFolder: folder.url)
    }
    let weights = try folder.write([1], to: "adapter_model.safetensors")
    #expect(throws: CheckpointError.header(file: weights.path, .tooShort(byteCount: 1))) {
      try LowRankUpdate(peftFolder: folder.url)
    }
  }

  @Test("an adapter for another model is refused, naming tensor and shapes")
  func otherModel() throws {
    let model = try TemporaryFolder()
    try model.writeTensors(
      [("layers.0.q_proj.weight", [2, 3], [0, 0, 0, 0, 0, 0])], to: "model.safetensors")
    let checkpoint = try Checkpoint(folder: model.url)
    let folder = try adapterFolder(Self.plain, Self.module)
    #expect(
      throws: CheckpointError.adapter(
        folder: folder.url.path,
        .shapeMismatch(tensor: "layers.0.q_proj.weight", expected: [2, 3], found: [3, 2]))
    ) { try LowRankUpdate(peftFolder: folder.url, checkpoint: checkpoint) }
    let other = try adapterFolder(Self.plain, linear("layers.1.q_proj", rank: 2, out: 3, in: 2))
    #expect(
      throws: CheckpointError.adapter(
        folder: other.url.path,
        .tensorNotInCheckpoint(
          tensor: "layers.1.q_proj.weight", checkpoint: model.url.path))
    ) { try LowRankUpdate(peftFolder: other.url, checkpoint: checkpoint) }
  }
}

@Suite("PEFT adapters on tied models and saved base layers")
struct PEFTTiedTests {
  private static let settings = "\"r\":2,\"lora_alpha\":3"
  private static let embedding: [(key: String, shape: [Int])] = [
    ("base_model.model.model.embed_tokens.lora_embedding_A", [2, 4]),
    ("base_model.model.model.embed_tokens.lora_embedding_B", [3, 2]),
  ]

  /// A model of one embedding [4, 3], with a head of its own or not.
  private static func model(tied: Bool) throws -> (TemporaryFolder, Checkpoint) {
    let folder = try TemporaryFolder()
    let values = (0..<12).map { Float($0) }
    var tensors = [(name: "model.embed_tokens.weight", shape: [4, 3], values: values)]
    if !tied { tensors.append(("lm_head.weight", [4, 3], values.reversed())) }
    try folder.writeTensors(tensors, to: "model.safetensors")
    return (folder, try Checkpoint(folder: folder.url))
  }

  @Test("a change of the embedding alone fits an untied model only")
  func embeddingAlone() throws {
    let adapter = try adapterFolder(Self.settings, Self.embedding)
    let (_, untied) = try Self.model(tied: false)
    let update = try LowRankUpdate(peftFolder: adapter.url, checkpoint: untied)
    #expect(update.tensors["model.embed_tokens.weight"]?.shape == [4, 3])
    let (_, tied) = try Self.model(tied: true)
    #expect(
      throws: CheckpointError.adapter(
        folder: adapter.url.path, .tiedHead(module: "model.embed_tokens"))
    ) { try LowRankUpdate(peftFolder: adapter.url, checkpoint: tied) }
    // PEFT adapts the head with the embedding where the configuration says so.
    let tying = try adapterFolder(
      Self.settings + ",\"ensure_weight_tying\":true", Self.embedding)
    #expect(try LowRankUpdate(peftFolder: tying.url, checkpoint: tied) == update)
  }

  @Test("a change of the head alone fits an untied model only")
  func headAlone() throws {
    let adapter = try adapterFolder(Self.settings, linear("lm_head", rank: 2, out: 4, in: 3))
    let (_, untied) = try Self.model(tied: false)
    let update = try LowRankUpdate(peftFolder: adapter.url, checkpoint: untied)
    #expect(update.tensors["lm_head.weight"]?.shape == [4, 3])
    let (_, tied) = try Self.model(tied: true)
    #expect(
      throws: CheckpointError.adapter(folder: adapter.url.path, .tiedHead(module: "lm_head"))
    ) { try LowRankUpdate(peftFolder: adapter.url, checkpoint: tied) }
  }

  @Test("different changes of embedding and head do not fit a tied model")
  func differentChanges() throws {
    let adapter = try adapterFolder(
      Self.settings, Self.embedding + linear("lm_head", rank: 2, out: 4, in: 3))
    let (_, tied) = try Self.model(tied: true)
    #expect(
      throws: CheckpointError.adapter(folder: adapter.url.path, .tiedHead(module: "lm_head"))
    ) { try LowRankUpdate(peftFolder: adapter.url, checkpoint: tied) }
  }
}
