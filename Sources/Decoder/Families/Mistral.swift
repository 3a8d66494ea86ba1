extension DecoderFamily {
  /// Mistral: Llama's blocks, with a window over all of them in the first release.
  static let mistral = DecoderFamily(modelTypes: ["mistral"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration)
    let windows = try Windows(
      configuration, blocks: settings.blockCount, default: 4096, isWindowed: { _ in true })
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = windows.byBlock[index]
      return block
    }
  }
}
