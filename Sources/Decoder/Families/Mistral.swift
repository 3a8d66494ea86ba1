extension DecoderFamily {
  /// Mistral: Llama's blocks, with a window over all of them in the first release.
  static let mistral = DecoderFamily(modelTypes: ["mistral"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration)
    let window = try configuration.window("sliding_window")
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = window
      return block
    }
  }
}
