extension DecoderFamily {
  /// Qwen 2 and 2.5: Llama's blocks with a bias on queries, keys and values, and a window over the
  /// upper ones where the file asks for it.
  static let qwen2 = DecoderFamily(modelTypes: ["qwen2"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 151_936, hiddenSize: 4096, intermediateSize: 22_016, blockCount: 32,
        headCount: 32, keyValueHeadCount: 32, trainedLength: 32_768,
        attentionBias: .queriesKeysValues))
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
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 151_936, hiddenSize: 4096, intermediateSize: 22_016, blockCount: 32,
        headCount: 32, keyValueHeadCount: 32, headDimension: 128, trainedLength: 32_768))
    let windows = try Windows(qwen: configuration, blocks: settings.blockCount)
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.queryKeyNorm = settings.headNorms(index)
      block.attention.window = windows.byBlock[index]
      return block
    }
  }

  /// Qwen 3's routed experts: its blocks, with some of many MLPs for each position.
  static let qwen3MoE = DecoderFamily(modelTypes: ["qwen3_moe"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 151_936, hiddenSize: 2048, intermediateSize: 6144, blockCount: 24,
        headCount: 32, keyValueHeadCount: 4, trainedLength: 32_768))
    let experts = try ExpertSettings(
      configuration, settings, countKeys: ["num_experts", "num_local_experts"], count: 128,
      chosen: 8, normalizesShares: configuration.flag("norm_topk_prob") ?? false,
      widthKey: "moe_intermediate_size", width: 768,
      names: .init(gate: "gate_proj", up: "up_proj", down: "down_proj"))
    let step = try configuration.size("decoder_sparse_step", default: 1)
    let dense = Set(try configuration.integers("mlp_only_layers") ?? [])
    let isWindowed = try configuration.flag("use_sliding_window") ?? false
    let window = isWindowed ? try Windows.size(configuration, default: 4096) : nil
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.queryKeyNorm = settings.headNorms(index)
      block.attention.window = window
      if !dense.contains(index), (index + 1) % step == 0 {
        block.feedForward = .routed(experts.shape(index))
      }
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
