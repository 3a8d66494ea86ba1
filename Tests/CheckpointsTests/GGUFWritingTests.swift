import Foundation
import LinearAlgebra
import Testing

@testable import Checkpoints

@Suite("Writing GGUF adapters")
struct GGUFWritingTests {
  /// A model folder of one embedding, with a configuration and perhaps a head of its own.
  private static func model(
    _ folder: TemporaryFolder, _ configuration: String, hasHead: Bool = true
  ) throws -> Checkpoint {
    let tensors =
      ["model.embed_tokens.weight"] + (hasHead ? ["lm_head.weight"] : [])
    let writer = try SafetensorsWriter(
      to: folder.url.appending(path: "model.safetensors"),
      tensors: tensors.map { TensorDeclaration(name: $0, dtype: .float32, shape: [1, 1]) })
    for name in tensors { try writer.write([1], of: name) }
    try writer.finish()
    try Data(configuration.utf8).write(to: folder.url.appending(path: "config.json"))
    return try Checkpoint(folder: folder.url)
  }

  static let llama =
    #"{"model_type":"llama","num_attention_heads":2,"num_key_value_heads":1}"#

  private static func factors(_ rows: Int, _ columns: Int, rank: Int) -> LowRankUpdate.Factors {
    LowRankUpdate.Factors(
      left: Matrix<Float>(
        rows: rows, columns: rank, elements: (0..<rows * rank).map { Float($0 + 1) }),
      right: Matrix<Float>(
        rows: rank, columns: columns, elements: (0..<rank * columns).map { -Float($0 + 1) }))
  }

  /// What a GGUF file says, read by the format's own rules.
  private struct Contents {
    var strings: [String: String] = [:]
    var numbers: [String: Float] = [:]
    var tensors: [String: (dimensions: [Int], values: [Float])] = [:]

    init(_ data: Data) {
      var place = 0
      func number<T: FixedWidthInteger>(_ type: T.Type) -> T {
        defer { place += T.bitWidth / 8 }
        return (0..<T.bitWidth / 8).reduce(0) { $0 | T(data[place + $1]) << ($1 * 8) }
      }
      func text() -> String {
        let count = Int(number(UInt64.self))
        defer { place += count }
        return String(decoding: data[place..<place + count], as: UTF8.self)
      }
      place = 4
      _ = number(UInt32.self)
      let (tensorCount, settingCount) = (number(UInt64.self), number(UInt64.self))
      for _ in 0..<settingCount {
        let key = text()
        if number(UInt32.self) == 8 {
          strings[key] = text()
        } else {
          numbers[key] = Float(bitPattern: number(UInt32.self))
        }
      }
      var found: [(String, [Int], Int)] = []
      for _ in 0..<tensorCount {
        let name = text()
        let dimensions = (0..<number(UInt32.self)).map { _ in Int(number(UInt64.self)) }
        _ = number(UInt32.self)
        found.append((name, dimensions, Int(number(UInt64.self))))
      }
      let start = (place + 31) / 32 * 32
      for (name, dimensions, offset) in found {
        place = start + offset
        let values = (0..<dimensions.reduce(1, *)).map { _ in
          Float(bitPattern: number(UInt32.self))
        }
        tensors[name] = (dimensions, values)
      }
    }
  }

  @Test("names, ranks, alpha and the order of q's and k's rows are llama.cpp's")
  func contents() throws {
    let folder = try TemporaryFolder()
    let update = LowRankUpdate(tensors: [
      "model.layers.3.self_attn.q_proj.weight": Self.factors(8, 3, rank: 1),
      "model.layers.3.self_attn.k_proj.weight": Self.factors(4, 3, rank: 2),
      "model.layers.0.mlp.down_proj.weight": Self.factors(2, 5, rank: 2),
      "model.embed_tokens.weight": Self.factors(3, 2, rank: 2),
      "lm_head.weight": Self.factors(3, 2, rank: 2),
    ])
    let file = folder.url.appending(path: "out/lox.gguf")
    try update.writeGGUF(to: file, scale: 1.5, for: try Self.model(folder, Self.llama))
    let found = Contents(try Data(contentsOf: file))
    #expect(found.strings["general.architecture"] == "llama")
    #expect(found.strings["general.type"] == "adapter")
    #expect(found.strings["adapter.type"] == "lora")
    #expect(found.numbers["adapter.lora.alpha"] == 3)
    #expect(found.tensors.count == 10)
    // Two heads of four rows: 0 2 1 3 within each. The second column was added.
    let q = try #require(found.tensors["blk.3.attn_q.weight.lora_b"])
    #expect(q.dimensions == [2, 8])
    #expect(q.values == [1, 3, 2, 4, 5, 7, 6, 8].flatMap { [$0, 0] })
    let qA = try #require(found.tensors["blk.3.attn_q.weight.lora_a"])
    #expect(qA.dimensions == [3, 2])
    #expect(qA.values == [-1, -2, -3, 0, 0, 0])
    let k = try #require(found.tensors["blk.3.attn_k.weight.lora_b"])
    #expect(k.values == [1, 2, 5, 6, 3, 4, 7, 8])
    let down = try #require(found.tensors["blk.0.ffn_down.weight.lora_a"])
    #expect(down.dimensions == [5, 2])
    let embedding = try #require(found.tensors["token_embd.weight.lora_a"])
    #expect(embedding.dimensions == [2, 3])
    #expect(embedding.values == [1, 2, 3, 4, 5, 6])
    let turned = try #require(found.tensors["token_embd.weight.lora_b"])
    #expect(turned.values == [-1, -3, -2, -4])
    #expect(found.tensors["output.weight.lora_b"]?.dimensions == [2, 3])
  }

  @Test(
    "what llama.cpp cannot apply is refused by name",
    arguments: [
      (llama, "model.embed_tokens.weight", false, Fault.llamaCppTiedEmbedding(tensor: embedding)),
      (
        #"{"model_type":"qwen2","tie_word_embeddings":true}"#, "lm_head.weight", true,
        .llamaCppTiedEmbedding(tensor: "lm_head.weight")
      ),
      (
        llama, "model.layers.0.input_layernorm.weight", true,
        .llamaCppTensor(tensor: "model.layers.0.input_layernorm.weight")
      ),
      (
        #"{"model_type":"gpt_oss"}"#, embedding, true,
        .llamaCppModel(found: "model_type gpt_oss in config.json")
      ),
      (
        #"{"model_type":"llama"}"#, embedding, true,
        .llamaCppModel(found: "no num_attention_heads in config.json")
      ),
      ("[", embedding, true, .llamaCppModel(found: "no config.json that can be read")),
    ] as [(String, String, Bool, Fault)])
  func refusals(configuration: String, tensor: String, hasHead: Bool, fault: Fault) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder, configuration, hasHead: hasHead)
    let file = folder.url.appending(path: "lox.gguf")
    let update = LowRankUpdate(tensors: [tensor: Self.factors(2, 2, rank: 1)])
    #expect(throws: CheckpointError.adapter(folder: file.path, fault)) {
      try update.writeGGUF(to: file, for: model)
    }
    #expect(throws: CheckpointError.adapter(folder: model.folder.path, fault)) {
      try LowRankUpdate.checkGGUF(of: [tensor], for: model)
    }
    #expect(!FileManager.default.fileExists(atPath: file.path))
  }

  typealias Fault = CheckpointError.AdapterFault
  static let embedding = "model.embed_tokens.weight"
}
