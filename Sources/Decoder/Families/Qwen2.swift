extension DecoderFamily {
  /// Qwen 2 and 2.5: Llama's blocks with a bias on queries, keys and values, and a window over the
  /// upper ones where the file asks for it.
  static let qwen2 = DecoderFamily(modelTypes: ["qwen2"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration)
    let windows = try Windows(qwen: configuration, blocks: settings.blockCount)
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = windows.byBlock[index]
      return block
    }
  }

  /// Qwen 3: Qwen 2 without the biases, with norms of each query and key head.
  static let qwen3 = DecoderFamily(modelTypes: ["qwen3"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(configuration, .init(headDimension: 128))
    let windows = try Windows(qwen: configuration, blocks: settings.blockCount)
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.queryKeyNorm = settings.headNorms(index)
      block.attention.window = windows.byBlock[index]
      return block
    }
  }
}

extension Windows {
  /// Only where `use_sliding_window` says so, from layer `max_window_layers` on.
  fileprivate init(qwen configuration: ModelConfiguration, blocks: Int) throws(DecoderError) {
    let isUsed = try configuration.flag("use_sliding_window") ?? false
    let first = try configuration.integer("max_window_layers") ?? 28
    try self.init(
      configuration, blocks: blocks, default: 4096, isWindowed: { isUsed && $0 >= first })
    if !isUsed { self.init(byBlock: byBlock.map { _ in nil }) }
  }
}
