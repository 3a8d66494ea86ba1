package import Checkpoints
package import LoX
package import StudyDesign

/// The alignment's leading directions alone on the base model, W_base + Proj_r(ΔW): what a study of the
/// effective rank measures. No defence of the aligned model, so `--defence` does not name it.
package struct AlignmentProjection: Defence {
  package let rank: Rank
  package var strengths = [1.0]

  package init(rank: Rank) { self.rank = rank }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: .projection, parameters: ["rank": rank.setting])
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    .lowRank(material.alignment.update(rank: rank))
  }
}
