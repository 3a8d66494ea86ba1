import LinearAlgebra

/// One block, put together from its shape: attention, then the feed-forward layer, each reading the
/// normed residual stream and adding to it.
///
/// - `Linear`: `ServedLinear` or `TrainableLinear`; the other operations serve both schedules.
struct Block<Linear> {
  let attentionNorm: RMSNorm
  let attention: AttentionLayer<Linear>
  let feedForwardNorm: RMSNorm
  let feedForward: FeedForward<Linear>

  /// - Parameters:
  ///   - linear, norm: make a layer from its shape; called in the order of a forward pass.
  init(
    _ shape: BlockShape, rotary: RotaryTables, linear: (LinearShape) -> Linear,
    norm: (NormShape) -> RMSNorm
  ) {
    func required(_ shape: NormShape?) -> RMSNorm {
      guard let shape else { preconditionFailure("a block without a norm was not refused") }
      return norm(shape)
    }
    attentionNorm = required(shape.normBeforeAttention)
    attention = AttentionLayer(shape.attention, rotary: rotary, linear: linear)
    feedForwardNorm = required(shape.normBeforeFeedForward)
    feedForward = FeedForward(shape.feedForward, linear: linear)
  }

  /// The linear layers, in the order of a forward pass.
  var linearLayers: [Linear] { attention.linearLayers + feedForward.linearLayers }
}

/// What follows attention: a gated MLP.
enum FeedForward<Linear> {
  case gated(GatedMLP<Linear>)

  init(_ shape: FeedForwardShape, linear: (LinearShape) -> Linear) {
    switch shape {
    case .gated(let shape): self = .gated(GatedMLP(shape, linear: linear))
    }
  }

  var linearLayers: [Linear] {
    switch self {
    case .gated(let mlp): mlp.linearLayers
    }
  }
}

extension Block<ServedLinear> {
  /// The largest ranks of updates of layers that are computed together.
  var rank: Int {
    switch feedForward {
    case .gated(let mlp): max(attention.rank, mlp.rank)
    }
  }

  /// For serving.
  ///
  /// - Parameters:
  ///   - index: the block's number, which chooses its part of the caches.
  func serve(_ index: Int, _ step: ServingStep) {
    let (stream, count) = (step.stream, step.rows.count)
    let normed = step.scratch.buffer(.normed, width: attentionNorm.width)
    attentionNorm.serve(stream, rows: count, into: normed)
    attention.serve(normed, addingTo: stream, block: index, step)
    feedForwardNorm.serve(stream, rows: count, into: normed)
    switch feedForward {
    case .gated(let mlp): mlp.serve(normed, addingTo: stream, step)
    }
  }
}

extension Block<TrainableLinear> {
  /// What the backward pass needs, each rows × width.
  struct Kept {
    /// The block's input, and the stream between attention and feed-forward.
    let input, middle: FloatBuffer
    let attention: AttentionLayer<TrainableLinear>.Kept
    let feedForward: FeedForwardKept
  }

  enum FeedForwardKept {
    case gated(GatedMLP<TrainableLinear>.Kept)
  }

  func makeKept(rows: Int) -> Kept {
    let feedForwardKept: FeedForwardKept =
      switch feedForward {
      case .gated(let mlp): .gated(mlp.makeKept(rows: rows))
      }
    return Kept(
      input: FloatBuffer(count: rows * attentionNorm.width),
      middle: FloatBuffer(count: rows * feedForwardNorm.width),
      attention: attention.makeKept(rows: rows), feedForward: feedForwardKept)
  }

  /// For training.
  func forward(_ stream: FloatBuffer, _ kept: Kept, _ step: TrainingStep) {
    let rows = step.batch.rows
    let normed = step.scratch.buffer(.normed, width: attentionNorm.width)
    step.copy(stream, into: kept.input, width: attentionNorm.width)
    attentionNorm.forward(stream, rows: rows, into: normed, step.pool)
    attention.forward(normed, addingTo: stream, kept.attention, step)

    step.copy(stream, into: kept.middle, width: feedForwardNorm.width)
    feedForwardNorm.forward(stream, rows: rows, into: normed, step.pool)
    switch (feedForward, kept.feedForward) {
    case (.gated(let mlp), .gated(let kept)): mlp.forward(normed, addingTo: stream, kept, step)
    }
  }

  /// Replaces the gradient with respect to the block's output by that with respect to its input.
  ///
  /// Norms' outputs are computed again.
  func backward(_ gradient: FloatBuffer, _ kept: Kept, _ step: TrainingStep) {
    let rows = step.batch.rows
    let normed = step.scratch.buffer(.normed, width: attentionNorm.width)
    let normGradient = step.scratch.buffer(.normGradient, width: attentionNorm.width)
    feedForwardNorm.forward(kept.middle, rows: rows, into: normed, step.pool)
    switch (feedForward, kept.feedForward) {
    case (.gated(let mlp), .gated(let kept)):
      mlp.backward(gradient, x: normed, into: normGradient, kept, step)
    }
    feedForwardNorm.backward(
      normGradient, x: kept.middle, rows: rows, into: gradient, partial: step.gainSums, step.pool)

    attentionNorm.forward(kept.input, rows: rows, into: normed, step.pool)
    attention.backward(gradient, x: normed, into: normGradient, kept.attention, step)
    attentionNorm.backward(
      normGradient, x: kept.input, rows: rows, into: gradient, partial: step.gainSums, step.pool)
  }
}
