package import Checkpoints
package import StudyDesign

/// LSSF (ACL 2025 long 1479) after the attack, as published: F + α P_r ΔW; see `SafetySubspace`.
package struct LSSFRepair: Defence {
  private let subspace: SafetySubspace
  /// α.
  package var strengths: [Double]

  package init(share: Double = 0.85, strengths: [Double] = [1]) {
    subspace = SafetySubspace(share: share)
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "lssf", parameters: subspace.parameters(), stage: .afterAttack)
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    subspace.update(from: material)
  }

  static let kind = DefenceKind(
    "lssf", summary: "F + α P_r ΔW, r by entropy; lssf:eta=0.85:alpha=1"
  ) { settings, _ in
    let (subspaces, strengths) = try SafetySubspace.settings(&settings)
    return subspaces.map { LSSFRepair(share: $0.share, strengths: strengths) }
  }
}
