extension DecoderFamily {
  /// OLMo 2: norms after the layers instead of before, and of all query heads and all key heads together.
  static let olmo2 = DecoderFamily(modelTypes: ["olmo2"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration, .olmo)
    return settings.shape { olmoBlock(settings, $0) }
  }

  /// OLMo 3: OLMo 2 with a window over three blocks of four, whose positions are not stretched.
  static let olmo3 = DecoderFamily(modelTypes: ["olmo3"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let theta = 500_000.0
    let settings = try CommonSettings(configuration, .olmo) {
      dimension, length throws(DecoderError) in
      try RotaryShape(
        full: configuration, headDimension: dimension, trainedLength: length, theta: theta)
    }
    let isWindowed = { index in (index + 1) % 4 != 0 }
    let windows = try Windows(
      configuration, blocks: settings.blockCount, default: 4096, isWindowed: isWindowed)
    let isLocal = try Windows.areWindowed(
      configuration, blocks: settings.blockCount, isWindowed: isWindowed)
    let local = try RotaryShape(
      sliding: configuration, headDimension: settings.headDimension,
      trainedLength: settings.trainedLength, theta: theta)
    return settings.shape { index in
      var block = olmoBlock(settings, index)
      block.attention.window = windows.byBlock[index]
      if isLocal[index] { block.attention.rotary = local }
      return block
    }
  }

  private static func olmoBlock(_ settings: CommonSettings, _ index: Int) -> BlockShape {
    let prefix = "model.layers.\(index)."
    var block = settings.standardBlock(index)
    func norm(_ name: String, _ width: Int) -> NormShape {
      NormShape(
        tensor: prefix + "self_attn.\(name).weight", width: width, epsilon: settings.normEpsilon)
    }
    block.attention.queryKeyNorm = .whole(
      query: norm("q_norm", block.attention.queryWidth),
      key: norm("k_norm", block.attention.keyWidth))
    block.normBeforeAttention = nil
    block.normAfterAttention = settings.norm(prefix + "post_attention_layernorm")
    block.normBeforeFeedForward = nil
    block.normAfterFeedForward = settings.norm(prefix + "post_feedforward_layernorm")
    return block
  }
}

extension CommonSettings.Defaults {
  fileprivate static let olmo = CommonSettings.Defaults(
    vocabularySize: 50_304, hiddenSize: 4096, intermediateSize: 11_008, blockCount: 32,
    headCount: 32, normEpsilon: 1e-5)
}
