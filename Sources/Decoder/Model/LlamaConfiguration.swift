package import Foundation
import Support

/// The shape of a Llama-family decoder, read from a checkpoint's `config.json`.
package struct LlamaConfiguration: Equatable, Sendable {
  package var vocabularySize: Int
  package var hiddenSize: Int
  package var intermediateSize: Int
  package var layerCount: Int
  package var headCount: Int
  /// Heads of keys and values; each serves `headCount / keyValueHeadCount` query heads.
  package var keyValueHeadCount: Int
  package var headDimension: Int
  /// Added to the mean square in RMSNorm.
  package var normEpsilon: Float
  package var rotary: RotaryConfiguration
  /// The longest sequence the model was made for, narrowed by a sliding window where it has one.
  package var contextLength: Int
  /// The output head is the token embedding itself.
  package var tiesEmbeddings: Bool
  /// Ids that end a reply, from `generation_config.json` or else `config.json`.
  package var endOfSequenceIDs: [Int]

  /// `model_type`s whose arithmetic is this decoder's.
  package static let supportedModelTypes = ["llama", "mistral", "qwen2"]

  /// Reads `config.json` (and `generation_config.json` for the end-of-sequence ids).
  package init(folder: URL) throws(LanguageModelError) {
    let file = folder.appending(path: "config.json")
    let fields: ConfigurationFile = try Self.decode(file)
    guard let type = fields.modelType, Self.supportedModelTypes.contains(type) else {
      throw .unsupportedArchitecture(file: file.path, found: fields.modelType ?? "none")
    }
    if let activation = fields.hiddenAct, activation != "silu" {
      throw .unsupportedSetting(file: file.path, field: "hidden_act", found: activation)
    }
    func required(_ value: Int?, _ field: String) throws(LanguageModelError) -> Int {
      guard let value, value > 0, value < 1 << 31 else {
        throw .invalidSetting(
          file: file.path, field: field, found: value.map(String.init) ?? "nothing",
          expected: "a positive integer")
      }
      return value
    }
    vocabularySize = try required(fields.vocabSize, "vocab_size")
    hiddenSize = try required(fields.hiddenSize, "hidden_size")
    intermediateSize = try required(fields.intermediateSize, "intermediate_size")
    layerCount = try required(fields.numHiddenLayers, "num_hidden_layers")
    headCount = try required(fields.numAttentionHeads, "num_attention_heads")
    keyValueHeadCount = try required(fields.numKeyValueHeads ?? headCount, "num_key_value_heads")
    headDimension = try required(fields.headDim ?? hiddenSize / headCount, "head_dim")
    guard headCount % keyValueHeadCount == 0 else {
      throw .invalidSetting(
        file: file.path, field: "num_key_value_heads", found: "\(keyValueHeadCount)",
        expected: "a divisor of num_attention_heads (\(headCount))")
    }
    guard headDimension % 2 == 0 else {
      throw .invalidSetting(
        file: file.path, field: "head_dim", found: "\(headDimension)", expected: "an even number")
    }
    normEpsilon = Float(fields.rmsNormEps ?? 1e-6)
    tiesEmbeddings = fields.tieWordEmbeddings ?? false
    var context = try required(fields.maxPositionEmbeddings ?? 2048, "max_position_embeddings")
    if let window = fields.slidingWindow, window > 0, fields.useSlidingWindow ?? true {
      context = min(context, window)
    }
    contextLength = context
    rotary = try RotaryConfiguration(fields, file: file.path)

    let generation = folder.appending(path: "generation_config.json")
    var ends = fields.eosTokenID?.elements
    if FileManager.default.fileExists(atPath: generation.path) {
      let generationFields: GenerationFile = try Self.decode(generation)
      ends = generationFields.eosTokenID?.elements ?? ends
    }
    endOfSequenceIDs = ends ?? []
  }

  private static func decode<Fields: Decodable>(_ file: URL) throws(LanguageModelError) -> Fields {
    do {
      return try JSONDecoder().decode(Fields.self, from: Data(contentsOf: file))
    } catch {
      throw .unreadableConfiguration(file: file.path, reason: error.plainReason)
    }
  }
}

/// The fields of `config.json` that the decoder reads.
struct ConfigurationFile: Decodable {
  var modelType: String?
  var vocabSize: Int?
  var hiddenSize: Int?
  var intermediateSize: Int?
  var numHiddenLayers: Int?
  var numAttentionHeads: Int?
  var numKeyValueHeads: Int?
  var headDim: Int?
  var hiddenAct: String?
  var rmsNormEps: Double?
  var tieWordEmbeddings: Bool?
  var maxPositionEmbeddings: Int?
  var slidingWindow: Int?
  var useSlidingWindow: Bool?
  var eosTokenID: OneOrMany<Int>?
  /// Before transformers 5: the base frequency at the top level, its scaling beside it.
  var ropeTheta: Double?
  var ropeScaling: RotaryFields?
  /// From transformers 5 on: both together.
  var ropeParameters: RotaryFields?

  struct RotaryFields: Decodable {
    var ropeType: String?
    var type: String?
    var ropeTheta: Double?
    var factor: Double?
    var lowFreqFactor: Double?
    var highFreqFactor: Double?
    var originalMaxPositionEmbeddings: Double?

    enum CodingKeys: String, CodingKey {
      case ropeType = "rope_type"
      case type, factor
      case ropeTheta = "rope_theta"
      case lowFreqFactor = "low_freq_factor"
      case highFreqFactor = "high_freq_factor"
      case originalMaxPositionEmbeddings = "original_max_position_embeddings"
    }
  }

  enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case vocabSize = "vocab_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case numHiddenLayers = "num_hidden_layers"
    case numAttentionHeads = "num_attention_heads"
    case numKeyValueHeads = "num_key_value_heads"
    case headDim = "head_dim"
    case hiddenAct = "hidden_act"
    case rmsNormEps = "rms_norm_eps"
    case tieWordEmbeddings = "tie_word_embeddings"
    case maxPositionEmbeddings = "max_position_embeddings"
    case slidingWindow = "sliding_window"
    case useSlidingWindow = "use_sliding_window"
    case eosTokenID = "eos_token_id"
    case ropeTheta = "rope_theta"
    case ropeScaling = "rope_scaling"
    case ropeParameters = "rope_parameters"
  }
}

private struct GenerationFile: Decodable {
  var eosTokenID: OneOrMany<Int>?

  enum CodingKeys: String, CodingKey {
    case eosTokenID = "eos_token_id"
  }
}
