import Checkpoints
package import Foundation
import Support

/// A random Llama of a few thousand parameters with a byte-level tokenizer and a ChatML template,
/// written as a Hugging Face folder: what it says means nothing, but every part is real.
package enum TinyModel {
  static let hidden = 32
  static let inner = 48
  static let vocabulary = 259
  static let layers = 2

  /// Writes the folder.
  ///
  /// - Parameters:
  ///   - seed: equal seeds give equal weights.
  ///   - from: a seed and a scale: the weights are those of that seed plus a change of that size,
  ///     so that two folders are a base and an aligned model.
  package static func write(
    to folder: URL, seed: UInt64, from origin: (seed: UInt64, scale: Double)? = nil
  ) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var tensors = weights(seed: origin?.seed ?? seed, scale: 1)
    if let origin {
      for (name, change) in weights(seed: seed, scale: origin.scale) where change.shape.count == 2 {
        let old = tensors[name]?.values ?? []
        tensors[name]?.values = zip(old, change.values).map { $0 + $1 }
      }
    }
    try writeSafetensors(tensors, to: folder.appending(path: "model.safetensors"))
    for (name, object) in [("config.json", configuration), ("tokenizer.json", tokenizer)] {
      try JSONSerialization.data(withJSONObject: object, options: .sortedKeys)
        .write(to: folder.appending(path: name))
    }
    try Data(
      ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
        + "message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}"
        + "{{ '<|im_start|>assistant\n' }}{% endif %}").utf8
    ).write(to: folder.appending(path: "chat_template.jinja"))
  }

  /// Families of which a small random model can be written beside the Llama.
  package enum Family: String, CaseIterable, Sendable {
    case gemma3 = "gemma3_text"
    case phi3
    case experts = "qwen3_moe"
  }

  /// Writes a random model of a family with the same tokenizer and template: its windows, fused projections
  /// or experts in one tensor are real.
  package static func write(_ family: Family, to folder: URL, seed: UInt64) throws {
    try write(to: folder, seed: seed)
    var generator = SplitMix64(seed: seed)
    var tensors: [String: (shape: [Int], values: [Float])] = [:]
    func add(_ name: String, _ shape: [Int], _ size: Double, around center: Float = 0) {
      tensors[name] = (
        shape, (0..<shape.reduce(1, *)).map { _ in center + Float(generator.nextGaussian() * size) }
      )
    }
    // Gemma's norms are 1 + w.
    let gain: Float = family == .gemma3 ? 0 : 1
    add("model.embed_tokens.weight", [vocabulary, hidden], 0.5)
    if family != .gemma3 { add("lm_head.weight", [vocabulary, hidden], 0.2) }
    add("model.norm.weight", [hidden], 0.05, around: gain)
    for layer in 0..<layers {
      let prefix = "model.layers.\(layer)."
      for (name, shape) in matrices(of: family) { add(prefix + name, shape, 0.2) }
      var norms = ["input_layernorm", "post_attention_layernorm"]
      if family == .gemma3 { norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"] }
      for name in norms { add("\(prefix)\(name).weight", [hidden], 0.05, around: gain) }
      for name in family == .phi3 ? [] : ["q_norm", "k_norm"] {
        add("\(prefix)self_attn.\(name).weight", [8], 0.05, around: gain)
      }
    }
    try writeSafetensors(tensors, to: folder.appending(path: "model.safetensors"))
    var settings = configuration
    settings["model_type"] = family.rawValue
    settings["tie_word_embeddings"] = family == .gemma3
    switch family {
    case .gemma3:
      settings.merge(["sliding_window": 9, "sliding_window_pattern": 2]) { $1 }
    case .phi3:
      settings["original_max_position_embeddings"] = 32
      settings["rope_scaling"] = [
        "type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3], "long_factor": [1, 2, 4, 8],
      ]
    case .experts:
      settings.merge([
        "num_experts": 3, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
        "norm_topk_prob": true,
      ]) { $1 }
    }
    try JSONSerialization.data(withJSONObject: settings, options: .sortedKeys)
      .write(to: folder.appending(path: "config.json"))
  }

  private static func matrices(of family: Family) -> [(name: String, shape: [Int])] {
    let attention = [
      ("self_attn.q_proj.weight", [32, hidden]), ("self_attn.k_proj.weight", [16, hidden]),
      ("self_attn.v_proj.weight", [16, hidden]), ("self_attn.o_proj.weight", [hidden, 32]),
    ]
    switch family {
    case .gemma3:
      return attention + [
        ("mlp.gate_proj.weight", [inner, hidden]), ("mlp.up_proj.weight", [inner, hidden]),
        ("mlp.down_proj.weight", [hidden, inner]),
      ]
    case .phi3:
      return [
        ("self_attn.qkv_proj.weight", [64, hidden]), ("self_attn.o_proj.weight", [hidden, 32]),
        ("mlp.gate_up_proj.weight", [2 * inner, hidden]),
        ("mlp.down_proj.weight", [hidden, inner]),
      ]
    case .experts:
      return attention + [
        ("mlp.gate.weight", [3, hidden]), ("mlp.experts.gate_up_proj", [3, 32, hidden]),
        ("mlp.experts.down_proj", [3, hidden, 16]),
      ]
    }
  }

  private static func weights(
    seed: UInt64, scale: Double
  ) -> [String: (shape: [Int], values: [Float])] {
    var generator = SplitMix64(seed: seed)
    func random(_ shape: [Int], _ size: Double) -> (shape: [Int], values: [Float]) {
      (
        shape,
        (0..<shape.reduce(1, *)).map { _ in Float(generator.nextGaussian() * size * scale) }
      )
    }
    var tensors: [String: (shape: [Int], values: [Float])] = [
      "model.embed_tokens.weight": random([vocabulary, hidden], 1),
      "model.norm.weight": ([hidden], [Float](repeating: 1, count: hidden)),
    ]
    for layer in 0..<layers {
      let prefix = "model.layers.\(layer)."
      for (name, shape) in [
        ("self_attn.q_proj", [32, hidden]), ("self_attn.k_proj", [16, hidden]),
        ("self_attn.v_proj", [16, hidden]), ("self_attn.o_proj", [hidden, 32]),
        ("mlp.gate_proj", [inner, hidden]), ("mlp.up_proj", [inner, hidden]),
        ("mlp.down_proj", [hidden, inner]),
      ] {
        tensors[prefix + name + ".weight"] = random(shape, 0.3)
      }
      for name in ["input_layernorm", "post_attention_layernorm"] {
        tensors[prefix + name + ".weight"] = ([hidden], [Float](repeating: 1, count: hidden))
      }
    }
    return tensors
  }

  private static var configuration: [String: Any] {
    [
      "model_type": "llama", "vocab_size": vocabulary, "hidden_size": hidden,
      "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": 4,
      "num_key_value_heads": 2, "head_dim": 8, "rms_norm_eps": 1e-5, "hidden_act": "silu",
      "max_position_embeddings": 512, "tie_word_embeddings": true, "eos_token_id": 258,
      "rope_theta": 10_000,
    ]
  }

  /// Every byte is a token; the last three ids are the turn marks and an end of text.
  private static var tokenizer: [String: Any] {
    var next: UInt32 = 0x100
    var ids: [String: Int] = [:]
    for byte in UInt8.min...UInt8.max {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
        ids[String(Unicode.Scalar(byte))] = Int(byte)
      default:
        ids[Unicode.Scalar(next).map(String.init) ?? ""] = Int(byte)
        next += 1
      }
    }
    return [
      "added_tokens": [
        ["id": 256, "content": "<|im_start|>", "special": true],
        ["id": 257, "content": "<|im_end|>", "special": true],
        ["id": 258, "content": "<|end|>", "special": true],
      ],
      "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true],
      "decoder": ["type": "ByteLevel"],
      "model": ["type": "BPE", "vocab": ids, "merges": [String]()] as [String: Any],
    ]
  }
}

/// Writes float32 tensors as one safetensors file.
package func writeSafetensors(
  _ tensors: [String: (shape: [Int], values: [Float])], to url: URL
) throws {
  let ordered = tensors.sorted { $0.key < $1.key }
  let writer = try SafetensorsWriter(
    to: url,
    tensors: ordered.map {
      TensorDeclaration(name: $0.key, dtype: .float32, shape: $0.value.shape)
    },
    replaceExisting: true)
  for (name, tensor) in ordered { try writer.write(tensor.values, of: name) }
  try writer.finish()
}
