import Checkpoints
import Foundation
import TestSupport
import Testing
import TinyModel

@testable import Decoder

/// How configurations become shapes, and what is refused.
@Suite struct ShapeTests {
  static let llama = #"""
    {"model_type":"llama","vocab_size":64,"hidden_size":32,"intermediate_size":48,
    "num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,
    "max_position_embeddings":512,"tie_word_embeddings":true,"rms_norm_eps":1e-5}
    """#

  /// A configuration with some settings in place of others.
  ///
  /// - Parameter changes: the members of a JSON object.
  static func shape(of text: String, _ changes: String = "") throws -> DecoderShape {
    func object(_ text: String) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }
    let settings = try object(text).merging(object("{\(changes)}")) { $1 }
    return try DecoderFamily.shape(
      of: ModelConfiguration(
        parsing: JSONSerialization.data(withJSONObject: settings), file: "config.json"))
  }

  @Test func aLlamaIsReadWhole() throws {
    let shape = try Self.shape(of: Self.llama)
    #expect(shape.uncomputed.isEmpty)
    #expect((shape.vocabularySize, shape.hiddenSize, shape.contextLength) == (64, 32, 512))
    #expect(shape.head.weight == nil)
    #expect(
      shape.linearLayerKinds
        == ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    #expect(
      shape.tensors.prefix(6).map { "\($0.name) \($0.dimensions)" } == [
        "model.embed_tokens.weight [64, 32]", "model.norm.weight [32]",
        "model.layers.0.input_layernorm.weight [32]",
        "model.layers.0.self_attn.q_proj.weight [32, 32]",
        "model.layers.0.self_attn.k_proj.weight [16, 32]",
        "model.layers.0.self_attn.v_proj.weight [16, 32]",
      ])
    let untied = try Self.shape(of: Self.llama, #""tie_word_embeddings":null"#)
    #expect(untied.head.weight?.weightName == "lm_head.weight")
    #expect(untied.tensors.count == shape.tensors.count + 1)
  }

  @Test(arguments: [
    (#""rope_theta":1e6"#, RotaryShape(dimensions: 8, theta: 1e6)),
    (
      #""rope_parameters":{"rope_theta":5e5,"rope_type":"default"}"#,
      RotaryShape(dimensions: 8, theta: 5e5)
    ),
    (
      #""rope_scaling":{"type":"linear","factor":4}"#,
      RotaryShape(dimensions: 8, theta: 1e4, scaling: .linear(factor: 4))
    ),
    (
      #""rope_parameters":{"rope_theta":10000,"rope_type":"linear","factor":4.0}"#,
      RotaryShape(dimensions: 8, theta: 1e4, scaling: .linear(factor: 4))
    ),
    (
      #""rope_theta":500000.0,"rope_scaling":{"rope_type":"llama3","factor":32,"#
        + #""low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192}"#,
      RotaryShape(
        dimensions: 8, theta: 5e5,
        scaling: .llama3(factor: 32, lowFrequency: 1, highFrequency: 4, trainedLength: 8192))
    ),
  ])
  func rotarySettingsAreReadInBothSpellings(changes: String, expected: RotaryShape) throws {
    let shape = try Self.shape(of: Self.llama, changes)
    #expect(shape.blocks.map(\.attention.rotary) == [expected, expected])
  }

  @Test func windowsLimitTheContext() throws {
    let mistral = try Self.shape(of: Self.llama, #""model_type":"mistral","sliding_window":100"#)
    #expect(mistral.contextLength == 100 && mistral.blocks[1].attention.window == 100)
    let qwen = try Self.shape(
      of: Self.llama,
      #""model_type":"qwen2","sliding_window":100,"use_sliding_window":false"#)
    #expect(qwen.contextLength == 512)
  }

  @Test(arguments: [
    (
      #""model_type":"gpt_oss""#,
      DecoderError.unsupportedArchitecture(file: "config.json", found: "gpt_oss")
    ),
    (
      #""hidden_act":"relu""#,
      .unsupportedSetting(file: "config.json", field: "hidden_act", found: "relu")
    ),
    (
      #""rope_scaling":{"type":"dynamic","factor":2}"#,
      .unsupportedSetting(file: "config.json", field: "rope_type", found: "dynamic")
    ),
    (
      #""rope_parameters":{"full_attention":{"rope_theta":1e6}}"#,
      .unsupportedSetting(
        file: "config.json", field: "rope_parameters", found: "full_attention's own settings")
    ),
    (
      #""vocab_size":"many""#,
      .invalidSetting(
        file: "config.json", field: "vocab_size", found: #""many""#, expected: "an integer")
    ),
    (
      #""num_key_value_heads":3"#,
      .invalidSetting(
        file: "config.json", field: "num_key_value_heads", found: "3",
        expected: "a divisor of num_attention_heads (4)")
    ),
    (
      #""hidden_size":0"#,
      .invalidSetting(
        file: "config.json", field: "hidden_size", found: "0",
        expected: "a whole number from 1 to 4194304")
    ),
    (
      #""rope_scaling":{"factor":"two"}"#,
      .invalidSetting(
        file: "config.json", field: "rope_scaling.factor", found: #""two""#,
        expected: "a number")
    ),
  ])
  func otherConfigurationsAreRefused(changes: String, error: DecoderError) {
    #expect(throws: error) { _ = try Self.shape(of: Self.llama, changes) }
  }

  /// Numbers that would trap, or take all memory, before a weight is read.
  @Test(arguments: [
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "max_position_embeddings", "sliding_window", "rms_norm_eps",
    "partial_rotary_factor",
  ])
  func extremeNumbersAreRefused(key: String) {
    for number in [
      "2147483648", "4294967296", "9223372036854775807", "-9223372036854775808", "1e19", "1e300",
      "-1e300", "-2",
    ] {
      let changes =
        "\"\(key)\":\(number)" + (key == "sliding_window" ? #","model_type":"mistral""# : "")
      #expect(throws: DecoderError.self, "\(key) \(number)") {
        _ = try Self.shape(of: Self.llama, changes)
      }
    }
  }

  @Test(arguments: [
    #""num_attention_heads":65536,"num_key_value_heads":1,"head_dim":65536"#,
    #""rope_theta":1e300"#, #""rope_theta":0"#, #""rope_theta":-1"#, #""rms_norm_eps":-1e-5"#,
    #""rope_scaling":{"rope_type":"linear","factor":1e300}"#,
    #""rope_scaling":{"rope_type":"linear","factor":-1}"#,
    #""rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":1e300}"#,
  ])
  func extremeCombinationsAreRefused(changes: String) {
    #expect(throws: DecoderError.self) { _ = try Self.shape(of: Self.llama, changes) }
  }

  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    let found: String
    let apply: @Sendable (inout DecoderShape) -> Void
    var testDescription: String { name }
  }

  /// Everything a shape can say and no operation computes.
  static let uncomputed: [Change] = [
    Change(name: "embedding scale", found: "8.0") { $0.embedding.scale = 8 },
    Change(name: "scale of logits", found: "0.25") { $0.head.scale = 0.25 },
    Change(name: "cap of logits", found: "30.0") { $0.head.cap = 30 },
    Change(name: "gain of model.norm.weight", found: "1 + the stored vector") {
      $0.finalNorm.gain = .onePlusStored
    },
    Change(name: "norm before attention of block 1", found: "absent") {
      $0.blocks[1].normBeforeAttention = nil
    },
    Change(name: "norm before the feed-forward layer of block 0", found: "absent") {
      $0.blocks[0].normBeforeFeedForward = nil
    },
    Change(name: "norm after attention of block 0", found: "model.norm.weight") {
      $0.blocks[0].normAfterAttention = $0.finalNorm
    },
    Change(name: "norm after the feed-forward layer of block 0", found: "model.norm.weight") {
      $0.blocks[0].normAfterFeedForward = $0.finalNorm
    },
    Change(name: "residual scale of block 0", found: "0.3") { $0.blocks[0].residualScale = 0.3 },
    Change(name: "rows of model.layers.0.self_attn.q_proj of block 0", found: "from 0 of 64") {
      $0.blocks[0].attention.query.fused = LinearShape.FusedRows(first: 0, total: 64)
    },
    Change(name: "norm of queries and keys of block 0", found: "by head") {
      $0.blocks[0].attention.queryKeyNorm = .byHead(query: $0.finalNorm, key: $0.finalNorm)
    },
    Change(name: "norm of queries and keys of block 0", found: "over all heads") {
      $0.blocks[0].attention.queryKeyNorm = .whole(query: $0.finalNorm, key: $0.finalNorm)
    },
    Change(name: "rotary position embedding of block 1", found: "absent") {
      $0.blocks[1].attention.rotary = nil
    },
    Change(name: "rotated dimensions of block 0", found: "4 of 8") {
      $0.blocks[0].attention.rotary?.dimensions = 4
    },
    Change(name: "cap of attention scores of block 0", found: "50.0") {
      $0.blocks[0].attention.cap = 50
    },
    Change(name: "activation of block 0", found: "geluTanh") {
      guard case .gated(var mlp) = $0.blocks[0].feedForward else { return }
      mlp.activation = .geluTanh
      $0.blocks[0].feedForward = .gated(mlp)
    },
  ]

  @Test(arguments: uncomputed)
  func whatNothingComputesIsRefusedByName(change: Change) throws {
    let folder = try TemporaryFolder()
    try TinyModel.write(to: folder.url.appending(path: "m"), seed: 1)
    let checkpoint = try Checkpoint(folder: folder.url.appending(path: "m"))
    var shape = try DecoderModel(checkpoint: checkpoint).shape
    change.apply(&shape)
    #expect(
      throws: DecoderError.unsupportedSetting(
        file: checkpoint.folder.appending(path: "config.json").path, field: change.name,
        found: change.found)
    ) { _ = try DecoderModel(checkpoint: checkpoint, shape: shape) }
  }

  @Test func aFamilysNamesAreItsOwn() {
    let types = DecoderFamily.all.flatMap(\.modelTypes)
    #expect(Set(types).count == types.count)
  }
}
