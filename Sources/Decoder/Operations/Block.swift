import LinearAlgebra

/// One block, put together from its shape: attention, then the feed-forward layer, each reading the
/// residual stream and adding to it.
///
/// - `Linear`: `ServedLinear` or `TrainableLinear`; the other operations serve both schedules.
struct Block<Linear> {
  let attentionResidual: Residual
  let attention: AttentionLayer<Linear>
  let feedForwardResidual: Residual
  let feedForward: FeedForward<Linear>

  /// - Parameters:
  ///   - width: of the residual stream.
  ///   - linear, norm: make a layer from its shape; called in the order of a forward pass.
  init(
    _ shape: BlockShape, width: Int, rotary: RotaryTables, linear: (LinearShape) -> Linear,
    norm: (NormShape) -> RMSNorm
  ) {
    attentionResidual = Residual(
      before: shape.normBeforeAttention, after: shape.normAfterAttention,
      scale: shape.residualScale, width: width, norm: norm)
    attention = AttentionLayer(shape.attention, rotary: rotary, linear: linear, norm: norm)
    feedForwardResidual = Residual(
      before: shape.normBeforeFeedForward, after: shape.normAfterFeedForward,
      scale: shape.residualScale, width: width, norm: norm)
    feedForward = FeedForward(shape.feedForward, linear: linear)
  }

  /// The linear layers, in the order of a forward pass.
  var linearLayers: [Linear] { attention.linearLayers + feedForward.linearLayers }
}

/// What follows attention: a gated MLP, or a choice of many.
enum FeedForward<Linear> {
  case gated(GatedMLP<Linear>)
  case routed(RoutedExperts<Linear>)

  init(_ shape: FeedForwardShape, linear: (LinearShape) -> Linear) {
    switch shape {
    case .gated(let shape): self = .gated(GatedMLP(shape, linear: linear))
    case .routed(let shape): self = .routed(RoutedExperts(shape, linear: linear))
    }
  }

  var linearLayers: [Linear] {
    switch self {
    case .gated(let mlp): mlp.linearLayers
    case .routed(let experts): experts.linearLayers
    }
  }
}

extension Block<ServedLinear> {
  /// The largest ranks of updates of layers that are computed together.
  var rank: Int {
    switch feedForward {
    case .gated(let mlp): max(attention.rank, mlp.rank)
    case .routed(let experts): max(attention.rank, experts.rank)
    }
  }

  /// For serving.
  ///
  /// - Parameters:
  ///   - index: the block's number, which chooses its part of the caches.
  func serve(_ index: Int, _ step: ServingStep) {
    attentionResidual.serve(step) { x, target in
      attention.serve(x, addingTo: target, block: index, step)
    }
    feedForwardResidual.serve(step) { x, target in
      switch feedForward {
      case .gated(let mlp): mlp.serve(x, step.rows, into: target, accumulates: true, step)
      case .routed(let experts): experts.serve(x, addingTo: target, step)
      }
    }
  }
}

extension Block<TrainableLinear> {
  /// What the backward pass needs.
  struct Kept {
    let attentionResidual: Residual.Kept
    let attention: AttentionLayer<TrainableLinear>.Kept
    let feedForwardResidual: Residual.Kept
    let feedForward: FeedForwardKept
  }

  enum FeedForwardKept {
    case gated(GatedMLP<TrainableLinear>.Kept)
    case routed(RoutedExperts<TrainableLinear>.Kept)
  }

  func makeKept(rows: Int) -> Kept {
    let feedForwardKept: FeedForwardKept =
      switch feedForward {
      case .gated(let mlp): .gated(mlp.makeKept(rows: rows))
      case .routed(let experts): .routed(experts.makeKept(rows: rows))
      }
    return Kept(
      attentionResidual: attentionResidual.makeKept(rows: rows),
      attention: attention.makeKept(rows: rows),
      feedForwardResidual: feedForwardResidual.makeKept(rows: rows), feedForward: feedForwardKept)
  }

  /// For training.
  func forward(_ stream: FloatBuffer, _ kept: Kept, _ step: TrainingStep) {
    attentionResidual.forward(stream, kept.attentionResidual, step) { x, target in
      attention.forward(x, addingTo: target, kept.attention, step)
    }
    feedForwardResidual.forward(stream, kept.feedForwardResidual, step) { x, target in
      switch (feedForward, kept.feedForward) {
      case (.gated(let mlp), .gated(let kept)):
        mlp.forward(x, rows: step.batch.rows, into: target, accumulates: true, kept, step)
      case (.routed(let experts), .routed(let kept)):
        experts.forward(x, addingTo: target, kept, step)
      default: preconditionFailure("what was kept is another layer's")
      }
    }
  }

  /// Replaces the gradient with respect to the block's output by that with respect to its input.
  func backward(_ gradient: FloatBuffer, _ kept: Kept, _ step: TrainingStep) {
    feedForwardResidual.backward(gradient, kept.feedForwardResidual, step) { gradient, x, dx in
      switch (feedForward, kept.feedForward) {
      case (.gated(let mlp), .gated(let kept)):
        mlp.backward(gradient, x: x, rows: step.batch.rows, into: dx, kept, step)
      case (.routed(let experts), .routed(let kept)):
        experts.backward(gradient, x: x, into: dx, kept, step)
      default: preconditionFailure("what was kept is another layer's")
      }
    }
    attentionResidual.backward(gradient, kept.attentionResidual, step) { gradient, x, dx in
      attention.backward(gradient, x: x, into: dx, kept.attention, step)
    }
  }
}
