extension DecoderFamily {
  /// Llama 1 to 3.3, and the many models that were given its name.
  static let llama = DecoderFamily(modelTypes: ["llama"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 32_000, hiddenSize: 4096, intermediateSize: 11_008, blockCount: 32,
        headCount: 32, feedForwardBias: .stated("mlp_bias")))
    return settings.shape(block: settings.standardBlock)
  }
}
