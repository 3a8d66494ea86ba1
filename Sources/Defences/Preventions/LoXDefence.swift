package import Checkpoints
package import LoX
package import StudyDesign

/// Low-rank extrapolation (arXiv 2506.15606): A + α Proj_k(ΔW), with k = 6 and α = 1.25 in the paper.
package struct LoXDefence: Defence {
  package let rank: Rank
  /// α.
  package var strengths: [Double]

  package init(rank: Rank, strengths: [Double]) {
    self.rank = rank
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: .lox, parameters: ["rank": rank.setting])
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    .lowRank(material.alignment.update(rank: rank))
  }
}

extension LoXDefence {
  /// Of each rank that is asked for, here or by `--rank`.
  static let kind = DefenceKind("lox", summary: "A + α Proj_k(ΔW); lox:rank=6:alpha=1.25") {
    settings, defaults in
    let strengths = try settings.numbers("alpha", in: DefenceRange.strength) ?? defaults.strengths
    return (try settings.ranks() ?? defaults.ranks).map {
      LoXDefence(rank: $0, strengths: strengths)
    }
  }
}
