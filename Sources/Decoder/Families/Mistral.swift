extension DecoderFamily {
  /// Mistral: Llama's blocks, with a window over all of them in the first release.
  static let mistral = DecoderFamily(modelTypes: ["mistral"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration)
    let window = try configuration.integer("sliding_window").flatMap { $0 > 0 ? $0 : nil }
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = window
      return block
    }
  }
}
