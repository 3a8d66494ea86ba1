package import Checkpoints
import LinearAlgebra
package import LoX
package import StudyDesign

/// A control: the next k directions of ΔW instead of the first.
///
/// A + α s T_k, T_k of directions k+1 … 2k, with s for each tensor such that ‖s T_k‖ = ‖Proj_k(ΔW)‖. Where
/// it does as much as LoX, the leading directions are no more special than others of the alignment.
/// Tensors whose ΔW has no further direction are left alone.
package struct TailControl: Defence {
  /// k.
  package let count: Int
  package var strengths: [Double]

  package init(count: Int, strengths: [Double]) {
    self.count = count
    self.strengths = strengths
  }

  package var rank: Rank { .leading(2 * count) }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "tail", parameters: ["rank": .integer(count)])
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    .lowRank(
      material.alignment.update { _, svd in
        let leading = svd.truncated(to: count)
        let tail = svd.truncated(to: 2 * count).dropping(count)
        guard tail.rank > 0, tail.keptNorm > 0 else { return nil }
        return tail.factors(scale: leading.keptNorm / tail.keptNorm)
      })
  }
}

extension TailControl {
  static let kind = DefenceKind(
    "tail", summary: "A + α of the next k directions at LoX's norm; tail:rank=6:alpha=1"
  ) { settings, defaults in
    try ControlSettings(&settings, defaults).each { rank, strengths in
      guard case .leading(let count) = rank else {
        throw DefenceError.needsDirections(defence: "tail", rank: "\(rank)")
      }
      return [TailControl(count: count, strengths: strengths)]
    }
  }
}

extension SingularValueDecomposition {
  /// Without the first triplets.
  func dropping(_ count: Int) -> SingularValueDecomposition {
    let dropped = min(count, rank)
    var rest = self
    rest.singularValues = Array(singularValues[dropped...])
    rest.right = right.rows(dropped..<rank)
    rest.left = left.transposed().rows(dropped..<rank).transposed()
    return rest
  }
}
