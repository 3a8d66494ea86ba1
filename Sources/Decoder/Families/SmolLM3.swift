extension DecoderFamily {
  /// SmolLM3: Llama's blocks, some of them without positions.
  static let smolLM3 = DecoderFamily(modelTypes: ["smollm3"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration, .init(tiesHead: true, theta: 2e6, trainedLength: 32_768))
    if try configuration.flag("use_sliding_window") == true {
      throw .unsupportedSetting(
        file: configuration.file, field: "use_sliding_window", found: "true")
    }
    let (listKey, intervalKey) = ("no_rope_layers", "no_rope_layer_interval")
    let interval = try configuration.size(intervalKey, default: 4)
    // 1 has positions, whatever the key's name says.
    let isRotated =
      try configuration.integers(listKey)?.map { $0 != 0 }
      ?? (0..<settings.blockCount).map { ($0 + 1) % interval != 0 }
    guard isRotated.count == settings.blockCount else {
      throw .invalidSetting(
        file: configuration.file, field: listKey, found: "\(isRotated.count)",
        expected: "one for each of the \(settings.blockCount) layers")
    }
    return settings.shape { index in
      var block = settings.standardBlock(index)
      if !isRotated[index] { block.attention.rotary = nil }
      return block
    }
  }
}
