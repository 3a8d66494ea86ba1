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

  /// Windows as transformers takes them: absent, null, and by layer.
  @Test(arguments: [
    (#""model_type":"mistral","sliding_window":100"#, [100, 100]),
    (#""model_type":"mistral","sliding_window":null"#, [nil, nil]),
    (#""model_type":"mistral""#, [4096, 4096]),
    (#""model_type":"qwen2","sliding_window":100,"use_sliding_window":false"#, [nil, nil]),
    (#""model_type":"qwen2","sliding_window":100"#, [nil, nil]),
    (
      #""model_type":"qwen2","sliding_window":100,"use_sliding_window":true,"max_window_layers":1"#,
      [nil, 100]
    ),
    (
      #""model_type":"qwen3","sliding_window":100,"use_sliding_window":true,"#
        + #""layer_types":["sliding_attention","full_attention"]"#, [100, nil]
    ),
    (#""model_type":"gemma2","sliding_window":7"#, [7, nil]),
    (#""model_type":"gemma3_text","sliding_window":7,"sliding_window_pattern":2"#, [7, nil]),
    (#""model_type":"olmo3","sliding_window":7"#, [7, 7]),
  ])
  func windowsAreRead(changes: String, expected: [Int?]) throws {
    let shape = try Self.shape(of: Self.llama, changes)
    #expect(shape.blocks.map(\.attention.window) == expected)
    #expect(shape.contextLength == 512)
  }

  @Test func rotarySettingsByTypeOfLayerAreRead() throws {
    let old = try Self.shape(
      of: Self.llama,
      #""model_type":"gemma3_text","sliding_window_pattern":2,"rope_theta":1e6,"#
        + #""rope_local_base_freq":1e4,"rope_scaling":{"rope_type":"linear","factor":8}"#)
    let new = try Self.shape(
      of: Self.llama,
      #""model_type":"gemma3_text","layer_types":["sliding_attention","full_attention"],"#
        + #""rope_parameters":{"sliding_attention":{"rope_theta":1e4,"rope_type":"default"},"#
        + #""full_attention":{"rope_theta":1e6,"rope_type":"linear","factor":8}}"#)
    #expect(old.blocks.map(\.attention.rotary) == new.blocks.map(\.attention.rotary))
    #expect(old.blocks[0].attention.rotary == RotaryShape(dimensions: 256, theta: 1e4))
    #expect(
      old.blocks[1].attention.rotary
        == RotaryShape(dimensions: 256, theta: 1e6, scaling: .linear(factor: 8)))
  }

  /// √640 is 25.298 in float32 and 25.25 in bfloat16.
  @Test(arguments: [("\"bfloat16\"", 25.25), ("\"float32\"", Float(640).squareRoot())])
  func gemmaScalesEmbeddingsInTheWeightsType(dtype: String, expected: Float) throws {
    let shape = try Self.shape(
      of: Self.llama, "\"model_type\":\"gemma\",\"hidden_size\":640,\"torch_dtype\":\(dtype)")
    #expect(shape.embedding.scale == expected)
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
      #""rope_scaling":{"type":"longrope","factor":2}"#,
      .invalidSetting(
        file: "config.json", field: "rope_parameters.short_factor", found: "nothing",
        expected: "4 positive numbers, one for each pair of rotated dimensions")
    ),
    (
      #""rope_scaling":{"type":"axial","factor":2}"#,
      .unsupportedSetting(file: "config.json", field: "rope_type", found: "axial")
    ),
    (
      #""model_type":"gemma2","use_bidirectional_attention":true"#,
      .unsupportedSetting(
        file: "config.json", field: "use_bidirectional_attention", found: "true")
    ),
    (
      #""model_type":"mixtral","num_local_experts":2,"num_experts_per_tok":3"#,
      .invalidSetting(
        file: "config.json", field: "num_experts_per_tok", found: "3",
        expected: "at most the 2 experts that there are")
    ),
    (
      #""model_type":"qwen3","layer_types":["full_attention"]"#,
      .invalidSetting(
        file: "config.json", field: "layer_types", found: "1",
        expected: "one for each of the 2 layers")
    ),
    (
      #""model_type":"qwen3","layer_types":["full_attention","linear_attention"]"#,
      .unsupportedSetting(file: "config.json", field: "layer_types", found: "linear_attention")
    ),
    (
      #""model_type":"granite","logits_scaling":0"#,
      .invalidSetting(
        file: "config.json", field: "logits_scaling", found: "0", expected: "a positive number")
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

  @Test func aFamilysNamesAreItsOwn() {
    let types = DecoderFamily.all.flatMap(\.modelTypes)
    #expect(Set(types).count == types.count)
  }
}
