/// The names of PEFT's adapter format.
enum PEFTAdapter {
  static let configurationFileName = "adapter_config.json"
  static let weightsFileName = "adapter_model.safetensors"
  static let pickledWeightsFileName = "adapter_model.bin"
  /// What PEFT puts before a module's own name.
  static let modulePrefix = "base_model.model."
  static let headModule = "lm_head"

  /// One factor of a module's change.
  enum Factor: String, CaseIterable {
    /// `lora_A`, rank × in.
    case linearA = "lora_A"
    /// `lora_B`, out × rank.
    case linearB = "lora_B"
    /// `lora_embedding_A`, rank × vocabulary.
    case embeddingA = "lora_embedding_A"
    /// `lora_embedding_B`, hidden × rank.
    case embeddingB = "lora_embedding_B"

    /// What follows the module's name in a key: as saved, and as in an unsaved state dictionary.
    var suffixes: [String] {
      switch self {
      case .linearA, .linearB: [".\(rawValue).weight", ".\(rawValue).default.weight"]
      case .embeddingA, .embeddingB: [".\(rawValue)", ".\(rawValue).default"]
      }
    }

    /// The dimension that counts the rank.
    var rankDimension: Int { self == .linearA || self == .embeddingA ? 0 : 1 }
  }

  /// What a key of the weights file stands for.
  enum Key: Equatable {
    case factor(Factor, module: String)
    /// The unchanged weight that PEFT saves beside a targeted embedding or head.
    case baseLayer(module: String)
    case unsupported(reason: String)

    init(_ key: String) {
      let name = key.hasPrefix(modulePrefix) ? String(key.dropFirst(modulePrefix.count)) : key
      for factor in Factor.allCases {
        for suffix in factor.suffixes where name.hasSuffix(suffix) {
          self = .factor(factor, module: String(name.dropLast(suffix.count)))
          return
        }
      }
      let baseLayer = ".base_layer.weight"
      if name.hasSuffix(baseLayer) {
        self = .baseLayer(module: String(name.dropLast(baseLayer.count)))
      } else if name.contains("lora_magnitude_vector") {
        self = .unsupported(reason: "it is DoRA's magnitude, not a low-rank change")
      } else if name.hasSuffix(".bias") {
        self = .unsupported(reason: "it is a bias, not a low-rank change of a matrix")
      } else if name.contains("modules_to_save") {
        self = .unsupported(reason: "it is a whole module (modules_to_save)")
      } else {
        self = .unsupported(reason: "it is not a lora_A, lora_B or lora_embedding factor")
      }
    }
  }

  /// Whether a module looks tokens up, which PEFT adapts by `lora_embedding_A` and `_B`.
  static func isEmbedding(_ module: String) -> Bool {
    let names = ["embed_tokens", "tok_embeddings", "word_embeddings", "wte", "embed_in"]
    return names.contains { module == $0 || module.hasSuffix(".\($0)") }
  }
}
