public import LinearAlgebra

/// A low-rank change to some of a checkpoint's tensors: at scale s, each named weight W (out × in)
/// becomes `W + s · left · right`.
///
/// LoX, synthetic attacks, trained attacks and imported adapters are all values of this type, so a
/// model of a study is one checkpoint plus a list of (update, scale).
public struct LowRankUpdate: Equatable, Sendable {
  /// The two factors of one tensor's change at scale 1.
  public struct Factors: Equatable, Sendable {
    /// out × rank.
    public var left: Matrix
    /// rank × in.
    public var right: Matrix

    /// - Precondition: `left.columns == right.rows`.
    public init(left: Matrix, right: Matrix) {
      precondition(left.columns == right.rows)
      self.left = left
      self.right = right
    }

    public var rank: Int { left.columns }
    /// [out, in], the shape of the weight this changes.
    public var shape: [Int] { [left.rows, right.columns] }
  }

  /// Factors by the checkpoint's own tensor name, such as `model.layers.0.self_attn.q_proj.weight`.
  public var tensors: [String: Factors]

  public init(tensors: [String: Factors] = [:]) {
    self.tensors = tensors
  }

  /// The largest rank of any tensor; 0 when empty.
  public var rank: Int { tensors.values.map(\.rank).max() ?? 0 }
}
