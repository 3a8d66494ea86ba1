/// What writes into the residual stream: the last layer of each branch, and the norm that may follow it.
extension DecoderShape {
  package struct StreamWriter: Equatable, Sendable {
    /// hidden × inner.
    package let layer: LinearShape
    /// What its output goes through before it is added.
    package let norm: NormShape?
  }
}

extension BlockShape {
  /// In the order of a forward pass.
  package var streamWriters: [DecoderShape.StreamWriter] {
    [DecoderShape.StreamWriter(layer: attention.output, norm: normAfterAttention)]
      + feedForward.outputLayers.map {
        DecoderShape.StreamWriter(layer: $0, norm: normAfterFeedForward)
      }
  }
}

extension FeedForwardShape {
  /// The layers whose outputs leave it.
  var outputLayers: [LinearShape] {
    switch self {
    case .gated(let mlp): [mlp.down]
    case .routed(let routed): routed.experts.map(\.down)
    }
  }
}
