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
