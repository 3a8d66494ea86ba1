import Support

/// The settings that nearly every family has, and the blocks that most are built of.
struct CommonSettings {
  /// The keys of `config.json`, for reading and for writing.
  enum Key: String {
    case modelType = "model_type"
    case vocabularySize = "vocab_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case blockCount = "num_hidden_layers"
    case headCount = "num_attention_heads"
    case keyValueHeadCount = "num_key_value_heads"
    case headDimension = "head_dim"
    case normEpsilon = "rms_norm_eps"
    case tiesHead = "tie_word_embeddings"
    case trainedLength = "max_position_embeddings"
    case activation = "hidden_act"
    case newerActivation = "hidden_activation"
    case window = "sliding_window"
    case layerTypes = "layer_types"
  }

  /// What a family's class in `transformers` has where a published file leaves a setting out.
  struct Defaults {
    var vocabularySize: Int
    var hiddenSize: Int
    var intermediateSize: Int
    var blockCount: Int
    var headCount: Int
    /// nil is as many as there are heads.
    var keyValueHeadCount: Int?
    /// nil is the hidden size over the heads.
    var headDimension: Int?
    var normEpsilon = 1e-6
    var tiesHead = false
    var theta = 10_000.0
    var trainedLength = 2048
    var activation = GatedMLPShape.Activation.silu
    /// The setting that names the activation.
    var activationKey = Key.activation
    /// How norms read their stored vector.
    var gain = NormShape.Gain.stored
    var attentionBias = Bias.stated("attention_bias")
    var feedForwardBias = Bias.none
  }

  /// Which linear layers have biases.
  enum Bias {
    case none
    /// All, where a setting says so.
    case stated(String)
    /// Queries, keys and values, whatever the file says.
    case queriesKeysValues
  }

  // Some hundred times what the largest published models have; products of any of them stay within 64
  // bits.
  static let tableSizes = NumberRange(1...16_777_216)
  static let widths = NumberRange(1...4_194_304)
  static let blockCounts = NumberRange(1...4_096)
  /// Heads, and the dimensions of one.
  static let headCounts = NumberRange(1...65_536)

  let vocabularySize: Int
  let hiddenSize: Int
  let intermediateSize: Int
  let blockCount: Int
  let headCount: Int
  let keyValueHeadCount: Int
  let headDimension: Int
  let normEpsilon: Float
  /// The output head is the token embedding itself.
  let tiesHead: Bool
  let trainedLength: Int
  var activation: GatedMLPShape.Activation
  /// Of every block, unless a family has settings for each type of blocks.
  let rotary: RotaryShape
  let gain: NormShape.Gain
  /// Of queries, keys and values; of attention's output; of the MLP's layers.
  private let inputBias, outputBias, feedForwardBias: LinearShape.Bias

  init(
    _ configuration: ModelConfiguration, _ defaults: Defaults,
    rotary: (_ headDimension: Int, _ trainedLength: Int) throws(DecoderError) -> RotaryShape
  ) throws(DecoderError) {
    func size(
      _ key: Key, default fallback: Int? = nil, in range: NumberRange<Int>
    ) throws(DecoderError) -> Int {
      try configuration.size(key.rawValue, default: fallback, in: range)
    }
    vocabularySize = try size(
      .vocabularySize, default: defaults.vocabularySize, in: Self.tableSizes)
    hiddenSize = try size(.hiddenSize, default: defaults.hiddenSize, in: Self.widths)
    intermediateSize = try size(
      .intermediateSize, default: defaults.intermediateSize, in: Self.widths)
    blockCount = try size(.blockCount, default: defaults.blockCount, in: Self.blockCounts)
    headCount = try size(.headCount, default: defaults.headCount, in: Self.headCounts)
    // Where the file says null, it is not the class's default that counts.
    keyValueHeadCount = try size(
      .keyValueHeadCount,
      default: configuration.states(Key.keyValueHeadCount.rawValue)
        ? headCount : defaults.keyValueHeadCount ?? headCount, in: Self.headCounts)
    headDimension = try size(
      .headDimension,
      default: configuration.states(Key.headDimension.rawValue)
        ? hiddenSize / headCount : defaults.headDimension ?? hiddenSize / headCount,
      in: Self.headCounts)
    guard headCount % keyValueHeadCount == 0 else {
      throw .invalidSetting(
        file: configuration.file, field: Key.keyValueHeadCount.rawValue,
        found: "\(keyValueHeadCount)",
        expected: "a divisor of \(Key.headCount.rawValue) (\(headCount))")
    }
    guard Self.widths.contains(headCount * headDimension) else {
      throw .invalidSetting(
        file: configuration.file, field: Key.headDimension.rawValue, found: "\(headDimension)",
        expected: "\(headCount) heads of at most \(Self.widths.most) dimensions together")
    }
    guard headDimension % 2 == 0 else {
      throw .invalidSetting(
        file: configuration.file, field: Key.headDimension.rawValue, found: "\(headDimension)",
        expected: "an even number")
    }
    normEpsilon = Float(
      try configuration.number(Key.normEpsilon.rawValue, in: NumberRange(0...1))
        ?? defaults.normEpsilon)
    tiesHead = try configuration.flag(Key.tiesHead.rawValue) ?? defaults.tiesHead
    trainedLength = try size(
      .trainedLength, default: defaults.trainedLength, in: ModelConfiguration.sizes)
    activation = try GatedMLPShape.Activation(
      configuration, key: defaults.activationKey.rawValue, default: defaults.activation)
    self.rotary = try rotary(headDimension, trainedLength)
    gain = defaults.gain
    (inputBias, outputBias) = try Self.biases(defaults.attentionBias, configuration)
    feedForwardBias = try Self.biases(defaults.feedForwardBias, configuration).input
  }

  /// With rotary settings that are those of every block.
  init(
    _ configuration: ModelConfiguration, _ defaults: Defaults
  ) throws(DecoderError) {
    try self.init(configuration, defaults) { dimension, length throws(DecoderError) in
      try RotaryShape(
        configuration, headDimension: dimension, trainedLength: length, theta: defaults.theta)
    }
  }

  private static func biases(
    _ bias: Bias, _ configuration: ModelConfiguration
  ) throws(DecoderError) -> (input: LinearShape.Bias, output: LinearShape.Bias) {
    switch bias {
    case .none: (.none, .none)
    case .queriesKeysValues: (.ifStored, .none)
    case .stated(let key):
      try configuration.flag(key) == true ? (.ifStored, .ifStored) : (.none, .none)
    }
  }

  /// A decoder of these sizes under the names that Llama's checkpoints use.
  ///
  /// - Parameter block: makes a block from its number; `standardBlock` or a variation of it.
  func shape(block: (Int) -> BlockShape) -> DecoderShape {
    DecoderShape(
      embedding: EmbeddingShape(
        table: LinearShape(
          module: "model.embed_tokens", outputs: vocabularySize, inputs: hiddenSize)),
      blocks: (0..<blockCount).map(block), finalNorm: norm("model.norm"),
      head: HeadShape(
        weight: tiesHead
          ? nil : LinearShape(module: "lm_head", outputs: vocabularySize, inputs: hiddenSize)),
      trainedLength: trainedLength)
  }

  /// Llama's block: norms before attention and MLP, rotary attention, a gated MLP.
  func standardBlock(_ index: Int) -> BlockShape {
    let prefix = "model.layers.\(index)."
    let queryWidth = headCount * headDimension
    let keyWidth = keyValueHeadCount * headDimension
    func linear(
      _ name: String, _ outputs: Int, _ inputs: Int, _ bias: LinearShape.Bias
    ) -> LinearShape {
      LinearShape(
        module: "\(prefix)self_attn.\(name)", outputs: outputs, inputs: inputs, bias: bias)
    }
    return BlockShape(
      normBeforeAttention: norm(prefix + "input_layernorm"),
      attention: AttentionShape(
        headCount: headCount, keyValueHeadCount: keyValueHeadCount, headDimension: headDimension,
        projections: ProjectionShape([
          linear("q_proj", queryWidth, hiddenSize, inputBias),
          linear("k_proj", keyWidth, hiddenSize, inputBias),
          linear("v_proj", keyWidth, hiddenSize, inputBias),
        ]),
        output: linear("o_proj", hiddenSize, queryWidth, outputBias), rotary: rotary,
        scale: 1 / Float(headDimension).squareRoot()),
      normBeforeFeedForward: norm(prefix + "post_attention_layernorm"),
      feedForward: .gated(gatedMLP(prefix + "mlp")))
  }

  private func gatedMLP(_ module: String) -> GatedMLPShape {
    func linear(_ name: String, _ outputs: Int, _ inputs: Int) -> LinearShape {
      LinearShape(
        module: "\(module).\(name)", outputs: outputs, inputs: inputs, bias: feedForwardBias)
    }
    return GatedMLPShape(
      projections: ProjectionShape([
        linear("gate_proj", intermediateSize, hiddenSize),
        linear("up_proj", intermediateSize, hiddenSize),
      ]), down: linear("down_proj", hiddenSize, intermediateSize), activation: activation)
  }

  /// A norm over the residual stream.
  func norm(_ module: String) -> NormShape {
    NormShape(tensor: module + ".weight", width: hiddenSize, epsilon: normEpsilon, gain: gain)
  }

  /// Norms of each query and key head by itself, as wide as a head.
  func headNorms(_ index: Int) -> AttentionShape.QueryKeyNorm {
    func norm(_ name: String) -> NormShape {
      NormShape(
        tensor: "model.layers.\(index).self_attn.\(name).weight", width: headDimension,
        epsilon: normEpsilon, gain: gain)
    }
    return .byHead(query: norm("q_norm"), key: norm("k_norm"))
  }

  /// Gemma 2's norms after the layers, and its name of that before the MLP.
  func addNormsAround(_ block: inout BlockShape, _ index: Int) {
    let prefix = "model.layers.\(index)."
    block.normAfterAttention = norm(prefix + "post_attention_layernorm")
    block.normBeforeFeedForward = norm(prefix + "pre_feedforward_layernorm")
    block.normAfterFeedForward = norm(prefix + "post_feedforward_layernorm")
  }
}

extension GatedMLPShape.Activation {
  /// Reads an activation by the name that `transformers` gives it.
  ///
  /// - Parameter fallback: taken where the file has none.
  init(
    _ configuration: ModelConfiguration, key: String, default fallback: Self
  ) throws(DecoderError) {
    switch try configuration.text(key) {
    case nil: self = fallback
    case "silu", "swish": self = .silu
    case "gelu_pytorch_tanh", "gelu_new", "gelu_fast": self = .geluTanh
    case "gelu": self = .gelu
    case let other?:
      throw .unsupportedSetting(file: configuration.file, field: key, found: other)
    }
  }
}
