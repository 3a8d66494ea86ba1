extension DecoderFamily {
  /// Mixtral: Mistral's blocks, with some of many MLPs for each position.
  static let mixtral = DecoderFamily(modelTypes: ["mixtral"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 32_000, hiddenSize: 4096, intermediateSize: 14_336, blockCount: 32,
        headCount: 32, keyValueHeadCount: 8, normEpsilon: 1e-5, theta: 1e6,
        trainedLength: 131_072, attentionBias: .none))
    let experts = try ExpertSettings(
      configuration, settings, countKeys: ["num_local_experts", "num_experts"], count: 8,
      chosen: 2, normalizesShares: true, widthKey: CommonSettings.Key.intermediateSize.rawValue,
      width: settings.intermediateSize, names: .init(gate: "w1", up: "w3", down: "w2"))
    let window = try Windows.size(configuration, default: nil)
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = window
      block.feedForward = .routed(experts.shape(index))
      return block
    }
  }
}
