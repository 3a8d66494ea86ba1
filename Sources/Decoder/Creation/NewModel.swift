package import Checkpoints
package import Foundation
import Support
import Tokenization

/// A Llama that knows nothing yet: a shape, a vocabulary learnt from texts, and random weights.
///
/// It is what a small model starts from that is trained from nothing, such as the pair that comes
/// with the project.
package struct NewModel: Sendable {
  package var hiddenSize = 96
  package var intermediateSize = 264
  package var layerCount = 3
  package var headCount = 4
  package var keyValueHeadCount = 2
  package var contextLength = 256
  /// The most tokens of the vocabulary, the turn marks included.
  package var vocabularyLimit = 512
  package var elementType = ElementType.bfloat16
  package var seed: UInt64 = 0

  package init() {}

  /// - Throws: `TrainingError.invalidSetting`.
  package func validate() throws(TrainingError) {
    func check(
      _ holds: Bool, _ name: String, _ expected: String, _ found: Int
    ) throws(TrainingError) {
      guard holds else {
        throw .invalidSetting(name: name, expected: expected, found: "\(found)")
      }
    }
    for (name, value) in [
      ("hidden size", hiddenSize), ("intermediate size", intermediateSize), ("layers", layerCount),
      ("heads", headCount), ("key-value heads", keyValueHeadCount),
    ] {
      try check(value >= 1, name, "at least 1", value)
    }
    try check(
      hiddenSize % (2 * headCount) == 0, "hidden size",
      "a multiple of twice the \(headCount) heads", hiddenSize)
    try check(
      headCount % keyValueHeadCount == 0, "key-value heads", "a divisor of \(headCount)",
      keyValueHeadCount)
    try check(contextLength >= 8, "context length", "at least 8", contextLength)
    try check(
      vocabularyLimit >= 256 + Self.marks.count, "vocabulary size",
      "at least \(256 + Self.marks.count): every byte and the turn marks", vocabularyLimit)
  }

  /// ChatML's turn marks, and what ends a text.
  private static let marks = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]

  /// Writes the model's folder: configuration, tokenizer, ChatML template and weights.
  ///
  /// Matrices are normal with a deviation of 0.02, as Llama's; norms are 1.
  ///
  /// - Parameter texts: what the vocabulary is learnt from.
  /// - Throws: `CheckpointError` where the folder exists or cannot be written.
  package func write(to folder: URL, texts: [String]) throws {
    try validate()
    let learner = BytePairLearner(texts: texts, tokenLimit: vocabularyLimit - Self.marks.count)
    let vocabularySize = learner.tokens.count + Self.marks.count
    let tensors = tensors(vocabularySize: vocabularySize)
    let writer = try CheckpointWriter(
      to: folder,
      shards: [
        CheckpointWriter.ShardDeclaration(
          tensors: tensors.map {
            TensorDeclaration(name: $0.name, dtype: DataType(elementType), shape: $0.shape)
          })
      ],
      additionalFiles: [
        "config.json": try json(configuration(vocabularySize: vocabularySize)),
        "generation_config.json": try json(["eos_token_id": vocabularySize - 2]),
        "tokenizer.json": try json(tokenizer(learner)),
        "tokenizer_config.json": try json([
          "eos_token": "<|im_end|>", "model_max_length": contextLength,
          "tokenizer_class": "PreTrainedTokenizerFast",
        ]),
        "chat_template.jinja": Data(Self.template.utf8),
      ])
    var generator = SplitMix64(seed: seed)
    for (name, shape) in tensors {
      let count = shape.reduce(1, *)
      let values =
        shape.count == 1
        ? [Float](repeating: 1, count: count)
        : (0..<count).map { _ in Float(generator.nextGaussian() * 0.02) }
      try writer.write(values, of: name)
    }
    try writer.finish()
  }

  private func tensors(vocabularySize: Int) -> [(name: String, shape: [Int])] {
    let keys = keyValueHeadCount * (hiddenSize / headCount)
    var tensors: [(name: String, shape: [Int])] = [
      ("model.embed_tokens.weight", [vocabularySize, hiddenSize]),
      ("model.norm.weight", [hiddenSize]),
    ]
    for layer in 0..<layerCount {
      let shapes: [(String, [Int])] = [
        ("input_layernorm", [hiddenSize]), ("self_attn.q_proj", [hiddenSize, hiddenSize]),
        ("self_attn.k_proj", [keys, hiddenSize]), ("self_attn.v_proj", [keys, hiddenSize]),
        ("self_attn.o_proj", [hiddenSize, hiddenSize]),
        ("post_attention_layernorm", [hiddenSize]),
        ("mlp.gate_proj", [intermediateSize, hiddenSize]),
        ("mlp.up_proj", [intermediateSize, hiddenSize]),
        ("mlp.down_proj", [hiddenSize, intermediateSize]),
      ]
      tensors += shapes.map { ("model.layers.\(layer).\($0.0).weight", $0.1) }
    }
    return tensors
  }

  private func configuration(vocabularySize: Int) -> [String: Any] {
    [
      "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
      "attention_bias": false, "mlp_bias": false, "hidden_size": hiddenSize,
      "intermediate_size": intermediateSize, "num_hidden_layers": layerCount,
      "num_attention_heads": headCount, "num_key_value_heads": keyValueHeadCount,
      "head_dim": hiddenSize / headCount, "max_position_embeddings": contextLength,
      "rms_norm_eps": 1e-5, "rope_theta": 10_000, "tie_word_embeddings": true,
      "vocab_size": vocabularySize, "eos_token_id": vocabularySize - 2,
      "torch_dtype": elementType == .float32
        ? "float32" : elementType == .float16 ? "float16" : "bfloat16",
    ]
  }

  private func tokenizer(_ learner: BytePairLearner) -> [String: Any] {
    let vocabulary = Dictionary(
      uniqueKeysWithValues: learner.tokens.enumerated().map { ($1, $0) })
    return [
      "version": "1.0",
      "added_tokens": Self.marks.enumerated().map { index, mark -> [String: Any] in
        [
          "id": learner.tokens.count + index, "content": mark, "special": true,
          "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        ]
      },
      "pre_tokenizer": [
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
      ] as [String: Any],
      "decoder": [
        "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
      ] as [String: Any],
      "model": [
        "type": "BPE", "byte_fallback": false, "fuse_unk": false, "vocab": vocabulary,
        "merges": learner.merges,
      ] as [String: Any],
    ]
  }

  private static let template =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content']"
    + " + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}"
    + "{{ '<|im_start|>assistant\n' }}{% endif %}"

  private func json(_ object: [String: Any]) throws -> Data {
    try JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted])
      + Data("\n".utf8)
  }
}
