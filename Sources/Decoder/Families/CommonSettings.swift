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
    case window = "sliding_window"
    case layerTypes = "layer_types"
  }

  /// What a family's class in `transformers` has where a published file leaves a setting out.
  struct Defaults {
    var headDimension: Int?
    var normEpsilon = 1e-6
    var tiesHead = false
    var theta = 10_000.0
    var trainedLength = 2048
    var activation = GatedMLPShape.Activation.silu
    /// How norms read their stored vector.
    var gain = NormShape.Gain.stored
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
  let activation: GatedMLPShape.Activation
  let rotary: RotaryShape
  let gain: NormShape.Gain
  /// What attention's and the MLP's projections have, where a key says so.
  private let attentionBias, feedForwardBias: LinearShape.Bias

  init(
    _ configuration: ModelConfiguration, _ defaults: Defaults = Defaults(),
    layerType: String? = nil
  ) throws(DecoderError) {
    func size(
      _ key: Key, default fallback: Int? = nil, in range: NumberRange<Int>
    ) throws(DecoderError) -> Int {
      try configuration.size(key.rawValue, default: fallback, in: range)
    }
    vocabularySize = try size(.vocabularySize, in: Self.tableSizes)
    hiddenSize = try size(.hiddenSize, in: Self.widths)
    intermediateSize = try size(.intermediateSize, in: Self.widths)
    blockCount = try size(.blockCount, in: Self.blockCounts)
    headCount = try size(.headCount, in: Self.headCounts)
    keyValueHeadCount = try size(.keyValueHeadCount, default: headCount, in: Self.headCounts)
    headDimension = try size(
      .headDimension, default: defaults.headDimension ?? hiddenSize / headCount,
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
      configuration, keys: ["hidden_activation", Key.activation.rawValue],
      default: defaults.activation)
    rotary = try RotaryShape(
      configuration, headDimension: headDimension, trainedLength: trainedLength,
      theta: defaults.theta, layerType: layerType)
    gain = defaults.gain
    // Without a key, the family may add biases that no key speaks of.
    attentionBias = try configuration.flag("attention_bias") == false ? .none : .ifStored
    feedForwardBias = try configuration.flag("mlp_bias") == false ? .none : .ifStored
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
        // A tied checkpoint may still store the head; transformers ignores it then, and so do we.
        weight: tiesHead
          ? nil : LinearShape(module: "lm_head", outputs: vocabularySize, inputs: hiddenSize)),
      trainedLength: trainedLength)
  }

  /// Llama's block: norms before attention and MLP, rotary attention, a gated MLP.
  func standardBlock(_ index: Int) -> BlockShape {
    let prefix = "model.layers.\(index)."
    let queryWidth = headCount * headDimension
    let keyWidth = keyValueHeadCount * headDimension
    func linear(_ name: String, _ outputs: Int, _ inputs: Int) -> LinearShape {
      LinearShape(
        module: prefix + name, outputs: outputs, inputs: inputs,
        bias: name.hasPrefix("self_attn") ? attentionBias : feedForwardBias)
    }
    return BlockShape(
      normBeforeAttention: norm(prefix + "input_layernorm"),
      attention: AttentionShape(
        headCount: headCount, keyValueHeadCount: keyValueHeadCount, headDimension: headDimension,
        query: linear("self_attn.q_proj", queryWidth, hiddenSize),
        key: linear("self_attn.k_proj", keyWidth, hiddenSize),
        value: linear("self_attn.v_proj", keyWidth, hiddenSize),
        output: linear("self_attn.o_proj", hiddenSize, queryWidth), rotary: rotary,
        scale: 1 / Float(headDimension).squareRoot()),
      normBeforeFeedForward: norm(prefix + "post_attention_layernorm"),
      feedForward: .gated(
        GatedMLPShape(
          gate: linear("mlp.gate_proj", intermediateSize, hiddenSize),
          up: linear("mlp.up_proj", intermediateSize, hiddenSize),
          down: linear("mlp.down_proj", hiddenSize, intermediateSize), activation: activation)))
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
  /// - Parameters:
  ///   - keys: the first that the file has counts.
  ///   - fallback: taken where it has none.
  init(
    _ configuration: ModelConfiguration, keys: [String], default fallback: Self
  ) throws(DecoderError) {
    guard let key = keys.first(where: configuration.has), let name = try configuration.text(key)
    else {
      self = fallback
      return
    }
    switch name {
    case "silu", "swish": self = .silu
    case "gelu_pytorch_tanh": self = .geluTanh
    // Gemma's first files say gelu, and were trained with its tanh form.
    case "gelu" where fallback == .geluTanh: self = .geluTanh
    case let other:
      throw .unsupportedSetting(file: configuration.file, field: key, found: other)
    }
  }
}
