extension DecoderFamily {
  /// Granite 3: Llama's blocks, with multipliers of embeddings, scores, what layers add, and logits.
  static let granite = DecoderFamily(modelTypes: ["granite"]) {
    configuration throws(DecoderError) -> DecoderShape in
    let settings = try CommonSettings(
      configuration,
      .init(
        vocabularySize: 32_000, hiddenSize: 4096, intermediateSize: 11_008, blockCount: 32,
        headCount: 32, feedForwardBias: .stated("mlp_bias")))
    let scores = try configuration.positive("attention_multiplier", default: 1)
    let residual = try configuration.positive("residual_multiplier", default: 1)
    var shape = settings.shape { index in
      var block = settings.standardBlock(index)
      block.attention.scale = Float(scores)
      block.residualScale = Float(residual)
      return block
    }
    shape.embedding.scale = Float(try configuration.positive("embedding_multiplier", default: 1))
    shape.head.scale = Float(1 / (try configuration.positive("logits_scaling", default: 1)))
    return shape
  }
}
