extension DecoderFamily {
  /// SmolLM3: Llama's blocks, some of them without positions.
  static let smolLM3 = DecoderFamily(modelTypes: ["smollm3"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 128_256, hiddenSize: 2048, intermediateSize: 11_008, blockCount: 36,
        headCount: 16, keyValueHeadCount: 4, tiesHead: true, theta: 2e6, trainedLength: 32_768,
        feedForwardBias: .stated("mlp_bias")))
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
    let isWindowed = try configuration.flag("use_sliding_window") ?? false
    let windows = try Windows(
      configuration, blocks: settings.blockCount, default: nil, isWindowed: { !isRotated[$0] })
    return settings.shape { index in
      var block = settings.standardBlock(index)
      if isWindowed { block.attention.window = windows.byBlock[index] }
      if !isRotated[index] { block.attention.rotary = nil }
      return block
    }
  }
}
