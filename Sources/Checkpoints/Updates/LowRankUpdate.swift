package import LinearAlgebra

/// A low-rank change to some of a checkpoint's tensors: at scale s, each named weight W (out × in)
/// becomes `W + s · left · right`.
///
/// LoX, synthetic attacks, trained attacks and imported adapters are all values of this type, so a
/// model of a study is one checkpoint plus a stack of `ScaledLowRankUpdate`.
package struct LowRankUpdate: Equatable, Sendable {
  /// The two factors of one tensor's change at scale 1.
  package struct Factors: Equatable, Sendable {
    /// out × rank.
    package var left: Matrix<Float>
    /// rank × in.
    package var right: Matrix<Float>

    /// - Precondition: `left.columns == right.rows`.
    package init(left: Matrix<Float>, right: Matrix<Float>) {
      precondition(left.columns == right.rows)
      self.left = left
      self.right = right
    }

    package var rank: Int { left.columns }
    /// [out, in], the shape of the weight this changes.
    package var shape: [Int] { [left.rows, right.columns] }

    /// The same change with a higher rank: columns of `left` and rows of `right` of zeros added.
    ///
    /// - Precondition: `rank` is no smaller.
    func padded(to rank: Int) -> Factors {
      Factors(left: left.padded(columns: rank), right: right.padded(rows: rank))
    }
  }

  /// Factors by the checkpoint's own tensor name, such as `model.layers.0.self_attn.q_proj.weight`.
  package var tensors: [String: Factors]

  package init(tensors: [String: Factors] = [:]) {
    self.tensors = tensors
  }

  /// The largest rank of any tensor; 0 when empty.
  package var rank: Int { tensors.values.map(\.rank).max() ?? 0 }
}
