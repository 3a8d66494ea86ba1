/// Causal attention with grouped key and value heads:
/// softmax(cap(scale · Q Kᵀ)) V over the positions in the window.
package struct AttentionShape: Equatable, Sendable {
  /// Norms of queries and keys, before rotation.
  package enum QueryKeyNorm: Equatable, Sendable {
    /// Of each head by itself; the norms' width is the head's.
    case byHead(query: NormShape, key: NormShape)
    /// Over all heads together.
    case whole(query: NormShape, key: NormShape)
  }

  package var headCount: Int
  /// Heads of keys and values; each serves `headCount / keyValueHeadCount` query heads.
  package var keyValueHeadCount: Int
  package var headDimension: Int
  /// Queries, keys and values.
  package var projections: ProjectionShape
  package var output: LinearShape
  package var queryKeyNorm: QueryKeyNorm?
  /// nil where positions are not encoded.
  package var rotary: RotaryShape?
  /// A query sees so many positions, its own included; nil sees all.
  package var window: Int?
  /// What scores are multiplied by.
  package var scale: Float
  /// Scores become cap · tanh(score / cap).
  package var cap: Float?

  package init(
    headCount: Int, keyValueHeadCount: Int, headDimension: Int, projections: ProjectionShape,
    output: LinearShape,
    queryKeyNorm: QueryKeyNorm? = nil, rotary: RotaryShape?, window: Int? = nil, scale: Float,
    cap: Float? = nil
  ) {
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headDimension = headDimension
    self.projections = projections
    self.output = output
    self.queryKeyNorm = queryKeyNorm
    self.rotary = rotary
    self.window = window
    self.scale = scale
    self.cap = cap
  }

  package var queryWidth: Int { headCount * headDimension }
  package var keyWidth: Int { keyValueHeadCount * headDimension }
}
