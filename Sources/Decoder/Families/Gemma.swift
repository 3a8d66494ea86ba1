import Foundation

extension DecoderFamily {
  /// Gemma: Llama's blocks with GeGLU, gains of 1 + w, and embeddings scaled by √hidden.
  static let gemma = DecoderFamily(modelTypes: ["gemma"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration, .gemma)
    var shape = settings.shape(block: settings.standardBlock)
    shape.embedding.scale = try embeddingScale(configuration, settings)
    return shape
  }

  /// Gemma 2: norms before and after the layers, caps of scores and logits, and a window over every
  /// second block.
  static let gemma2 = DecoderFamily(modelTypes: ["gemma2"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration, .gemma)
    let windows = try Windows(
      configuration, blocks: settings.blockCount, default: 4096, isWindowed: { $0 % 2 == 0 })
    let scale = try attentionScale(configuration)
    let scoreCap = try cap("attn_logit_softcapping", default: 50, configuration)
    var shape = settings.shape { index in
      var block = settings.standardBlock(index)
      settings.addNormsAround(&block, index)
      block.attention.scale = scale
      block.attention.cap = scoreCap
      block.attention.window = windows.byBlock[index]
      return block
    }
    shape.embedding.scale = try embeddingScale(configuration, settings)
    shape.head.cap = try cap("final_logit_softcapping", default: 30, configuration)
    return shape
  }

  /// Gemma 3's text models: Gemma 2 without its caps, with norms of query and key heads, five windowed
  /// blocks to one that sees all, and rotary settings for each of the two.
  static let gemma3 = DecoderFamily(modelTypes: ["gemma3_text"]) {
    configuration throws(DecoderError) -> DecoderShape in
    var defaults = CommonSettings.Defaults.gemma
    (defaults.theta, defaults.trainedLength) = (1e6, 131_072)
    let settings = try CommonSettings(configuration, defaults, layerType: "full_attention")
    let pattern = try configuration.integer("sliding_window_pattern") ?? 6
    let windows = try Windows(
      configuration, blocks: settings.blockCount, default: 4096,
      isWindowed: { pattern <= 0 || ($0 + 1) % pattern != 0 })
    let isLocal = try Windows.areWindowed(
      configuration, blocks: settings.blockCount,
      isWindowed: { pattern <= 0 || ($0 + 1) % pattern != 0 })
    let local = try localRotary(configuration, settings)
    let scale = try attentionScale(configuration)
    let scoreCap = try cap("attn_logit_softcapping", default: nil, configuration)
    var shape = settings.shape { index in
      var block = settings.standardBlock(index)
      settings.addNormsAround(&block, index)
      block.attention.queryKeyNorm = settings.headNorms(index)
      block.attention.scale = scale
      block.attention.cap = scoreCap
      block.attention.window = windows.byBlock[index]
      if isLocal[index] { block.attention.rotary = local }
      return block
    }
    shape.embedding.scale = try embeddingScale(configuration, settings)
    shape.head.cap = try cap("final_logit_softcapping", default: nil, configuration)
    return shape
  }

  /// Of windowed blocks: of their own section in newer files, else unstretched with
  /// `rope_local_base_freq`.
  private static func localRotary(
    _ configuration: ModelConfiguration, _ settings: CommonSettings
  ) throws(DecoderError) -> RotaryShape {
    let type = "sliding_attention"
    if try configuration.section("rope_parameters")?.has(type) == true {
      return try RotaryShape(
        configuration, headDimension: settings.headDimension,
        trainedLength: settings.trainedLength, theta: 10_000, layerType: type)
    }
    return RotaryShape(
      dimensions: settings.headDimension,
      theta: try configuration.positive("rope_local_base_freq", default: 10_000))
  }

  /// 1 / √query_pre_attn_scalar.
  private static func attentionScale(
    _ configuration: ModelConfiguration
  ) throws(DecoderError) -> Float {
    Float(1 / (try configuration.positive("query_pre_attn_scalar", default: 256)).squareRoot())
  }

  /// A cap; null is none, absent the class's own.
  private static func cap(
    _ key: String, default fallback: Float?, _ configuration: ModelConfiguration
  ) throws(DecoderError) -> Float? {
    guard configuration.states(key) else { return fallback }
    guard configuration.has(key) else { return nil }
    return Float(try configuration.positive(key, default: 1))
  }

  /// √hidden, rounded to bfloat16 where the weights are: so the published models were trained.
  private static func embeddingScale(
    _ configuration: ModelConfiguration, _ settings: CommonSettings
  ) throws(DecoderError) -> Float {
    let root = Float(settings.hiddenSize).squareRoot()
    let (newer, older) = (try configuration.text("dtype"), try configuration.text("torch_dtype"))
    guard newer ?? older == "bfloat16" else { return root }
    // Round to nearest, ties to even.
    let bits = root.bitPattern
    return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
  }
}

extension CommonSettings.Defaults {
  fileprivate static let gemma = CommonSettings.Defaults(
    headDimension: 256, tiesHead: true, trainedLength: 8192, activation: .geluTanh,
    gain: .onePlusStored)
}
