import Foundation

extension DecoderFamily {
  /// Gemma: Llama's blocks with GeGLU, gains of 1 + w, and embeddings scaled by √hidden.
  static let gemma = DecoderFamily(modelTypes: ["gemma"]) {
    configuration throws(DecoderError) -> DecoderShape in
    var settings = try CommonSettings(configuration, .gemma)
    // The first files say gelu, and were trained with its tanh form.
    if settings.activation == .gelu { settings.activation = .geluTanh }
    try refuseBothDirections(configuration)
    var shape = settings.shape(block: settings.standardBlock)
    try scaleEmbeddings(of: &shape, configuration)
    return shape
  }

  /// Gemma 2: norms before and after the layers, caps of scores and logits, and a window over every
  /// second block.
  static let gemma2 = DecoderFamily(modelTypes: ["gemma2"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration, .gemma2)
    try refuseBothDirections(configuration)
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
    try scaleEmbeddings(of: &shape, configuration)
    shape.head.cap = try cap("final_logit_softcapping", default: 30, configuration)
    return shape
  }

  /// Gemma 3's text models: Gemma 2 without its caps, with norms of query and key heads, five windowed
  /// blocks to one that sees all, and rotary settings for each of the two. `attn_logit_softcapping` counts for
  /// nothing, as in transformers.
  static let gemma3 = DecoderFamily(modelTypes: ["gemma3_text"]) {
    configuration throws(DecoderError) -> DecoderShape in
    var defaults = CommonSettings.Defaults.gemma2
    (defaults.vocabularySize, defaults.trainedLength) = (262_208, 131_072)
    let settings = try CommonSettings(configuration, defaults) {
      dimension, length throws(DecoderError) in
      try RotaryShape(
        full: configuration, headDimension: dimension, trainedLength: length, theta: 1e6)
    }
    try refuseBothDirections(configuration)
    let pattern = try configuration.integer("sliding_window_pattern") ?? 6
    let isWindowed = { index in pattern <= 0 || (index + 1) % pattern != 0 }
    let windows = try Windows(
      configuration, blocks: settings.blockCount, default: 4096, isWindowed: isWindowed)
    let isLocal = try Windows.areWindowed(
      configuration, blocks: settings.blockCount, isWindowed: isWindowed)
    let local = try RotaryShape(
      sliding: configuration, headDimension: settings.headDimension,
      trainedLength: settings.trainedLength, theta: 10_000, thetaKey: "rope_local_base_freq")
    let scale = try attentionScale(configuration)
    var shape = settings.shape { index in
      var block = settings.standardBlock(index)
      settings.addNormsAround(&block, index)
      block.attention.queryKeyNorm = settings.headNorms(index)
      block.attention.scale = scale
      block.attention.window = windows.byBlock[index]
      if isLocal[index] { block.attention.rotary = local }
      return block
    }
    try scaleEmbeddings(of: &shape, configuration)
    shape.head.cap = try cap("final_logit_softcapping", default: nil, configuration)
    return shape
  }

  private static func refuseBothDirections(
    _ configuration: ModelConfiguration
  ) throws(DecoderError) {
    let key = "use_bidirectional_attention"
    guard try configuration.flag(key) == true else { return }
    throw .unsupportedSetting(file: configuration.file, field: key, found: "true")
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
  private static func scaleEmbeddings(
    of shape: inout DecoderShape, _ configuration: ModelConfiguration
  ) throws(DecoderError) {
    shape.embedding.scale = Float(shape.hiddenSize).squareRoot()
    let (newer, older) = (try configuration.text("dtype"), try configuration.text("torch_dtype"))
    switch newer ?? older {
    case "bfloat16": shape.embedding.roundScaleToBFloat16()
    case nil: shape.embedding.scaleIsOfTableType = true
    default: break
    }
  }
}

extension CommonSettings.Defaults {
  fileprivate static let gemma = CommonSettings.Defaults(
    vocabularySize: 256_000, hiddenSize: 3072, intermediateSize: 24_576, blockCount: 28,
    headCount: 16, keyValueHeadCount: 16, headDimension: 256, tiesHead: true, trainedLength: 8192,
    activation: .geluTanh, gain: .onePlusStored)

  fileprivate static let gemma2 = CommonSettings.Defaults(
    vocabularySize: 256_000, hiddenSize: 2304, intermediateSize: 9216, blockCount: 26, headCount: 8,
    keyValueHeadCount: 4, headDimension: 256, tiesHead: true, trainedLength: 8192,
    activation: .geluTanh, activationKey: .newerActivation, gain: .onePlusStored)
}
