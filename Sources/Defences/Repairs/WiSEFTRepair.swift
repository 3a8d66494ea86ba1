package import Checkpoints
package import StudyDesign

/// Averaging the fine-tuned with the aligned model, (1 − α) F + α A: in terms of what fine-tuning added,
/// A + (1 − α) T.
///
/// WiSE-FT (arXiv 2109.01903) as a repair of safety (arXiv 2412.19512), α = 0.5 there. It takes nothing but
/// the attack's own update at a smaller scale.
package struct WiSEFTRepair: Defence {
  /// α.
  package var strengths: [Double]

  package init(strengths: [Double] = [0.5]) { self.strengths = strengths }

  package var arm: Treatment.Arm { Treatment.Arm(method: "wise-ft", stage: .afterAttack) }

  package func update(from material: DefenceMaterial) -> WeightUpdate? { nil }

  package func attackScale(at strength: Double) -> Double { 1 - strength }
}

extension WiSEFTRepair {
  static let kind = DefenceKind("wise-ft", summary: "(1 − α) F + α A; wise-ft:alpha=0.5") {
    settings, _ in
    [WiSEFTRepair(strengths: try settings.numbers("alpha", in: DefenceRange.share) ?? [0.5])]
  }
}
