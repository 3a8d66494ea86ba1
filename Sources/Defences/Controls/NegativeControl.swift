package import Checkpoints
import LinearAlgebra
package import LoX
package import StudyDesign

/// A control: LoX turned round, A − α Proj_k(ΔW). What defends should, turned round, do harm.
package struct NegativeControl: Defence {
  package let rank: Rank
  package var strengths: [Double]

  package init(rank: Rank, strengths: [Double]) {
    self.rank = rank
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "negative", parameters: ["rank": rank.setting])
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    .lowRank(
      material.alignment.update { _, svd in
        let kept = svd.truncated(to: rank.kept(of: svd))
        return kept.rank > 0 ? kept.factors(scale: -1) : nil
      })
  }
}

extension NegativeControl {
  static let kind = DefenceKind(
    "negative", summary: "A − α Proj_k(ΔW); negative:rank=6:alpha=1"
  ) { settings, defaults in
    try ControlSettings(&settings, defaults).each {
      [NegativeControl(rank: $0, strengths: $1)]
    }
  }
}
