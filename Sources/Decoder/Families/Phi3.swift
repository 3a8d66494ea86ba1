extension DecoderFamily {
  /// Phi-3, 3.5 and 4: Llama's blocks with queries, keys and values in one matrix and gate and up in
  /// another, rotary positions of a part of each head, and LongRoPE.
  static let phi3 = DecoderFamily(modelTypes: ["phi3"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 32_064, hiddenSize: 3072, intermediateSize: 8192, blockCount: 32,
        headCount: 32, normEpsilon: 1e-5, trainedLength: 4096, attentionBias: .none)
    ) { dimension, length throws(DecoderError) in
      try RotaryShape(phi: configuration, headDimension: dimension, trainedLength: length)
    }
    let window = try Windows.size(configuration, default: nil)
    return settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.window = window
      let prefix = "model.layers.\(index)."
      block.attention.projections = fused(
        block.attention.projections, prefix + "self_attn.qkv_proj")
      if case .gated(var mlp) = block.feedForward {
        mlp.projections = fused(mlp.projections, prefix + "mlp.gate_up_proj")
        block.feedForward = .gated(mlp)
      }
      return block
    }
  }

  /// One layer in the place of several.
  private static func fused(_ projections: ProjectionShape, _ module: String) -> ProjectionShape {
    ProjectionShape(
      fused: LinearShape(
        module: module, outputs: projections.widths.reduce(0, +),
        inputs: projections.layers[0].inputs),
      widths: projections.widths)
  }
}
