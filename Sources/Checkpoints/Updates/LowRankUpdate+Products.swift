import LinearAlgebra

extension LowRankUpdate {
  /// ⟨X, Y⟩ = Σ tr(Xᵀ Y) over the tensors that both change, as if all of them were one long vector.
  ///
  /// Of factors it is Σᵢⱼ (L_Xᵀ L_Y)ᵢⱼ (R_X R_Yᵀ)ᵢⱼ, so that no product of the weights' size is formed. In float64,
  /// tensor by tensor in the order of their names.
  ///
  /// - Precondition: of each tensor that both change they have one shape.
  package func innerProduct(with other: LowRankUpdate) -> Double {
    tensors.keys.sorted().reduce(0) { sum, name in
      guard let one = tensors[name], let two = other.tensors[name], one.rank > 0, two.rank > 0
      else { return sum }
      precondition(one.shape == two.shape)
      let left = Matrix<Double>(one.left).multiplied(
        by: Matrix<Double>(two.left), transposingSelf: true)
      let right = Matrix<Double>(one.right).multiplied(
        by: Matrix<Double>(two.right), transposingOther: true)
      return sum + zip(left.elements, right.elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  /// ‖X‖²_F over all of its tensors.
  package var squaredNorm: Double { max(0, innerProduct(with: self)) }

  /// What of an update is left without its part along another: X − c Y with c = ⟨X, Y⟩ / ⟨Y, Y⟩, which is
  /// orthogonal to Y.
  ///
  /// - Returns: its factors, side by side those of both, and c.
  /// - Precondition: the other one is not zero.
  package func orthogonal(to other: LowRankUpdate) -> (update: LowRankUpdate, along: Double) {
    let along = innerProduct(with: other) / other.squaredNorm
    guard along != 0 else { return (self, 0) }
    return (
      LowRankUpdate(stack: [
        ScaledLowRankUpdate(self, scale: 1), ScaledLowRankUpdate(other, scale: -along),
      ]), along
    )
  }
}
