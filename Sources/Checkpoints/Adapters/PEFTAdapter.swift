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
    /// A whole tensor of the model, which PEFT saves beside the factors: an embedding or head whose
    /// vocabulary may have changed, or one of `modules_to_save`. `tensor` is its name in the model.
    case whole(tensor: String)
    case unsupported(reason: String)

    init(_ key: String) {
      let name = key.hasPrefix(modulePrefix) ? String(key.dropFirst(modulePrefix.count)) : key
      for factor in Factor.allCases {
        for suffix in factor.suffixes where name.hasSuffix(suffix) {
          self = .factor(factor, module: String(name.dropLast(suffix.count)))
          return
        }
      }
      if name.contains("lora_magnitude_vector") {
        self = .unsupported(reason: "it is DoRA's magnitude, not a low-rank change")
      } else if name.contains("lora_") || name.contains("trainable_tokens") {
        self = .unsupported(reason: "it is not a lora_A, lora_B or lora_embedding factor")
      } else {
        // What PEFT's wrappers add to a module's name.
        let parts = name.split(separator: ".").filter {
          !["base_layer", "original_module"].contains($0)
        }
        if let place = parts.firstIndex(of: "modules_to_save") {
          // Followed by the adapter's name, in a state dictionary that was not saved by PEFT.
          let hasName = parts.count - place > 2
          self = .whole(
            tensor: (parts[..<place] + parts[(place + (hasName ? 2 : 1))...])
              .joined(separator: "."))
        } else {
          self = .whole(tensor: parts.joined(separator: "."))
        }
      }
    }
  }

  /// Whether a module looks tokens up, which PEFT adapts by `lora_embedding_A` and `_B`.
  static func isEmbedding(_ module: String) -> Bool {
    let names = ["embed_tokens", "tok_embeddings", "word_embeddings", "wte", "embed_in"]
    return names.contains { module == $0 || module.hasSuffix(".\($0)") }
  }
}
