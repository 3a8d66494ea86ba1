package import Checkpoints
package import Foundation
package import Support
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

  /// What its numbers may be: a small model.
  package enum Ranges {
    package static let hiddenSize = NumberRange(2...16_384)
    package static let intermediateSize = NumberRange(1...65_536)
    package static let layers = NumberRange(1...256)
    package static let heads = NumberRange(1...1_024)
    package static let contextLength = NumberRange(8...1_048_576)
    /// Every byte and the turn marks belong to it.
    package static let vocabularySize = NumberRange((256 + marks.count)...1_000_000)
    /// Of all weights together.
    static let parameters = 1_000_000_000
  }

  /// - Throws: `TrainingError.invalidSetting`.
  package func validate() throws(TrainingError) {
    func check(
      _ holds: Bool, _ name: String, _ expected: String, _ found: Int
    ) throws(TrainingError) {
      guard holds else {
        throw .invalidSetting(name: name, expected: expected, found: "\(found)")
      }
    }
    for (name, value, range) in [
      ("hidden size", hiddenSize, Ranges.hiddenSize),
      ("intermediate size", intermediateSize, Ranges.intermediateSize),
      ("layers", layerCount, Ranges.layers), ("heads", headCount, Ranges.heads),
      ("key-value heads", keyValueHeadCount, Ranges.heads),
      ("context length", contextLength, Ranges.contextLength),
      ("vocabulary size", vocabularyLimit, Ranges.vocabularySize),
    ] {
      try check(range.contains(value), name, range.phrase, value)
    }
    try check(
      hiddenSize % (2 * headCount) == 0, "hidden size",
      "a multiple of twice the \(headCount) heads", hiddenSize)
    try check(
      headCount % keyValueHeadCount == 0, "key-value heads", "a divisor of \(headCount)",
      keyValueHeadCount)
    let keyWidth = hiddenSize / headCount * keyValueHeadCount
    let block = 2 * hiddenSize * (hiddenSize + keyWidth) + 3 * hiddenSize * intermediateSize
    let count = layerCount * block + vocabularyLimit * hiddenSize
    try check(
      count <= Ranges.parameters, "the model", "at most \(Ranges.parameters) parameters", count)
  }

  /// ChatML's turn marks, and what ends a text.
  fileprivate static let marks = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]

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
    let settings = try json(configuration(vocabularySize: vocabularySize))
    let tensors = try DecoderFamily.shape(
      of: ModelConfiguration(
        parsing: settings, file: folder.appending(path: "config.json").path)
    ).tensors
    let writer = try CheckpointWriter(
      to: folder,
      shards: [
        CheckpointWriter.ShardDeclaration(
          tensors: tensors.map {
            TensorDeclaration(name: $0.name, dtype: DataType(elementType), shape: $0.dimensions)
          })
      ],
      additionalFiles: [
        "config.json": settings,
        "generation_config.json": try json(["eos_token_id": vocabularySize - 2]),
        "tokenizer.json": try json(tokenizer(learner)),
        "tokenizer_config.json": try json([
          "eos_token": "<|im_end|>", "model_max_length": contextLength,
          "tokenizer_class": "PreTrainedTokenizerFast",
        ]),
        "chat_template.jinja": Data(Self.template.utf8),
      ])
    var generator = SplitMix64(seed: seed)
    for tensor in tensors {
      let count = tensor.dimensions.reduce(1, *)
      let values =
        tensor.dimensions.count == 1
        ? [Float](repeating: 1, count: count)
        : (0..<count).map { _ in Float(generator.nextGaussian() * 0.02) }
      try writer.write(values, of: tensor.name)
    }
    try writer.finish()
  }

  /// `config.json`, under the keys by which it is read.
  private func configuration(vocabularySize: Int) -> [String: Any] {
    let sizes: [CommonSettings.Key: Int] = [
      .vocabularySize: vocabularySize, .hiddenSize: hiddenSize, .intermediateSize: intermediateSize,
      .blockCount: layerCount, .headCount: headCount, .keyValueHeadCount: keyValueHeadCount,
      .headDimension: hiddenSize / headCount, .trainedLength: contextLength,
    ]
    var settings: [String: Any] = [
      "architectures": ["LlamaForCausalLM"], "attention_bias": false, "mlp_bias": false,
      "rope_theta": 10_000, "eos_token_id": vocabularySize - 2,
      "torch_dtype": elementType == .float32
        ? "float32" : elementType == .float16 ? "float16" : "bfloat16",
      CommonSettings.Key.modelType.rawValue: "llama",
      CommonSettings.Key.activation.rawValue: "silu",
      CommonSettings.Key.normEpsilon.rawValue: 1e-5,
      CommonSettings.Key.tiesHead.rawValue: true,
    ]
    for (key, size) in sizes { settings[key.rawValue] = size }
    return settings
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
