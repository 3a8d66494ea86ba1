package import Checkpoints
import LinearAlgebra
package import LoX
package import StudyDesign

/// A control: the whole of ΔW at LoX's norm, A + α c ΔW with c = ‖Proj_k(ΔW)‖ / ‖ΔW‖ for each tensor.
///
/// Where it does as much as LoX, leaving the other directions out gains nothing. Of full rank: it is
/// served as a checkpoint of its own.
package struct FullRankControl: Defence {
  package let rank: Rank
  package var strengths: [Double]

  package init(rank: Rank, strengths: [Double]) {
    self.rank = rank
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "full", parameters: ["rank": rank.setting])
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    var tensors: [String: [DenseUpdate.Term]] = [:]
    for (name, svd) in material.alignment.tensors where svd.squaredFrobeniusNorm > 0 {
      let share = svd.energy(rank: rank.kept(of: svd)).squareRoot()
      tensors[name] = [material.pair.differenceTerm(of: name, scale: share)]
    }
    return .dense(
      DenseUpdate(
        identity: "\(material.identity) alignment at the norm of rank \(rank) "
          + "of \(material.pair.targets)", tensors: tensors))
  }
}

extension FullRankControl {
  static let kind = DefenceKind(
    "full", summary: "A + α ΔW at LoX's norm; full:rank=6:alpha=1"
  ) { settings, defaults in
    try ControlSettings(&settings, defaults).each {
      [FullRankControl(rank: $0, strengths: $1)]
    }
  }
}
