extension DecoderFamily {
  /// Qwen 2 and 2.5: Llama's blocks with a bias on queries, keys and values, and a window over the
  /// upper ones where the file asks for it.
  static let qwen2 = DecoderFamily(modelTypes: ["qwen2"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration)
    let usesWindow = try configuration.flag("use_sliding_window") ?? true
    let window = try configuration.window("sliding_window")
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = usesWindow ? window : nil
      return block
    }
  }
}
