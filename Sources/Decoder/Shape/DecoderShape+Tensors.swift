extension BlockShape {
  /// The linear layers, in the order of a forward pass.
  package var linearLayers: [LinearShape] {
    attention.linearLayers + feedForward.linearLayers
  }
}

extension AttentionShape {
  package var linearLayers: [LinearShape] { projections.layers + [output] }
}

extension FeedForwardShape {
  package var linearLayers: [LinearShape] {
    switch self {
    case .gated(let mlp): mlp.linearLayers
    case .routed(let experts): experts.linearLayers
    }
  }
}

extension DecoderShape {
  /// The kinds of linear layers that blocks have, as adapters name them, in the order of a forward
  /// pass: `q_proj`, `k_proj` and so on.
  package var linearLayerKinds: [String] {
    var seen = Set<String>()
    return blocks.lazy.flatMap(\.linearLayers).map(\.kind).filter { seen.insert($0).inserted }
  }

  /// Every matrix that takes part in a product or a look-up, and may therefore carry an update.
  package var matrices: [LinearShape] {
    blocks.flatMap(\.linearLayers) + [embedding.table] + (head.weight.map { [$0] } ?? [])
  }

  /// Every different setting of rotary positions.
  package var rotaries: Set<RotaryShape> { Set(blocks.compactMap(\.attention.rotary)) }

  /// Every norm.
  package var norms: [NormShape] { blocks.flatMap(\.norms) + [finalNorm] }

  /// A tensor that a checkpoint of this shape holds.
  package struct Tensor: Equatable, Sendable {
    package let name: String
    /// outputs × inputs of a matrix, the width of a norm's gain.
    package let dimensions: [Int]

    init(_ matrix: LinearShape) {
      name = matrix.weightName
      dimensions = [matrix.outputs, matrix.inputs]
    }

    init(_ norm: NormShape) {
      name = norm.tensor
      dimensions = [norm.width]
    }
  }

  /// The tensors in the order in which they are written, biases left out.
  package var tensors: [Tensor] {
    [Tensor(embedding.table), Tensor(finalNorm)] + blocks.flatMap(\.tensors)
      + (head.weight.map { [Tensor($0)] } ?? [])
  }
}

extension AttentionShape {
  /// The norms of queries and keys, where there are any.
  package var norms: [NormShape] {
    switch queryKeyNorm {
    case .byHead(let query, let key), .whole(let query, let key): [query, key]
    case nil: []
    }
  }
}

extension BlockShape {
  /// The norms that are there, in the order of a forward pass.
  package var norms: [NormShape] {
    present(normBeforeAttention) + attention.norms + present(normAfterAttention)
      + present(normBeforeFeedForward) + present(normAfterFeedForward)
  }

  /// In the order of a forward pass, but for the norms of queries and keys, which follow their layer.
  fileprivate var tensors: [DecoderShape.Tensor] {
    typealias Tensor = DecoderShape.Tensor
    var tensors: [Tensor] = []
    func add(_ norms: [NormShape]) { tensors += norms.map { Tensor($0) } }
    func add(_ layers: [LinearShape]) { tensors += layers.map { Tensor($0) } }
    add(present(normBeforeAttention))
    add(attention.linearLayers)
    add(attention.norms)
    add(present(normAfterAttention))
    add(present(normBeforeFeedForward))
    add(feedForward.linearLayers)
    add(present(normAfterFeedForward))
    return tensors
  }

  private func present(_ norm: NormShape?) -> [NormShape] { norm.map { [$0] } ?? [] }
}
