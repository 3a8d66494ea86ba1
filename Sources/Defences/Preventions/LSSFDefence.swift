package import Checkpoints
package import StudyDesign

/// LSSF's subspace before the attack, A + α P_r ΔW: between LoX and full-rank extrapolation; see
/// `SafetySubspace`.
package struct LSSFDefence: Defence {
  private let subspace: SafetySubspace
  /// α.
  package var strengths: [Double]

  package init(share: Double = 0.85, strengths: [Double] = [1]) {
    subspace = SafetySubspace(share: share)
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "lssf-before", parameters: subspace.parameters())
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    subspace.update(from: material)
  }

  static let kind = DefenceKind(
    "lssf-before", summary: "A + α P_r ΔW, r by entropy; lssf-before:eta=0.85:alpha=1"
  ) { settings, _ in
    let (subspaces, strengths) = try SafetySubspace.settings(&settings)
    return subspaces.map { LSSFDefence(share: $0.share, strengths: strengths) }
  }
}
