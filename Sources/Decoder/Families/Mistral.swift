extension DecoderFamily {
  /// Mistral: Llama's blocks, with a window over all of them in the first release.
  static let mistral = DecoderFamily(modelTypes: ["mistral"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 32_000, hiddenSize: 4096, intermediateSize: 14_336, blockCount: 32,
        headCount: 32, keyValueHeadCount: 8, trainedLength: 131_072, attentionBias: .none))
    let window = try Windows.size(configuration, default: 4096)
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = window
      return block
    }
  }
}
