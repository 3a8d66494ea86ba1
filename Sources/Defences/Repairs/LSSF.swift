package import Checkpoints
package import StudyDesign

/// LSSF (ACL 2025 long 1479): α times the safety subspace's part of the alignment, see `SafetySubspace`.
///
/// As published it repairs what an attack left, F + α P_r ΔW. Before the attack, A + α P_r ΔW, it stands between
/// LoX and full-rank extrapolation.
package struct LSSF: Defence {
  private let subspace: SafetySubspace
  private let stage: Treatment.Stage
  /// α.
  package var strengths: [Double]

  package init(
    _ stage: Treatment.Stage = .afterAttack, share: Double = 0.85, strengths: [Double] = [1]
  ) {
    subspace = SafetySubspace(share: share)
    self.stage = stage
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(
      method: stage == .afterAttack ? "lssf" : "lssf-before", parameters: subspace.parameters(),
      stage: stage)
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    subspace.update(from: material)
  }
}

extension LSSF {
  static let repairKind = kind(
    "lssf", .afterAttack, summary: "F + α P_r ΔW, r by entropy; lssf:eta=0.85:alpha=1")
  static let preventionKind = kind(
    "lssf-before", .beforeAttack,
    summary: "A + α P_r ΔW, r by entropy; lssf-before:eta=0.85:alpha=1")

  private static func kind(
    _ name: String, _ stage: Treatment.Stage, summary: String
  ) -> DefenceKind {
    DefenceKind(name, summary: summary) { settings, _ in
      let strengths = try settings.numbers("alpha", in: DefenceRange.strength) ?? [1]
      let shares = try settings.numbers("eta", in: DefenceRange.share) ?? [0.85]
      return shares.map { LSSF(stage, share: $0, strengths: strengths) }
    }
  }
}
