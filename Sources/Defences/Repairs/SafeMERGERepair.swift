package import Checkpoints
import LinearAlgebra
package import StudyDesign
import Support

/// SafeMERGE (arXiv 2503.17239) without a safety adapter: (1 − α) F + α A in the layers whose fine-tuning
/// agrees little with the alignment, cos(C T, T) < τ, and F unchanged in the others.
///
/// τ = 0.35 as published. There a layer is merged with a LoRA trained on safety data, 0.8 to 0.2; the
/// aligned model stands in for it here. C is Safe LoRA's.
package struct SafeMERGERepair: Defence {
  /// τ.
  package let threshold: Double
  /// α.
  package var strengths: [Double]

  package init(threshold: Double = 0.35, strengths: [Double] = [0.5]) {
    self.threshold = threshold
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(
      method: "safe-merge", parameters: ["tau": .number(threshold)], stage: .afterAttack)
  }

  package var dependsOnAttack: Bool { true }

  /// −T in those layers.
  package func update(from material: DefenceMaterial) throws -> WeightUpdate? {
    let attack = try material.requireAttack(of: "safe-merge")
    let chosen = try material.agreement(of: attack).filter { $0.value.cosine < threshold }.keys
    switch attack {
    case .lowRank(let update):
      var opposite = LowRankUpdate()
      for name in chosen {
        guard let factors = update.tensors[name] else { continue }
        opposite.tensors[name] = LowRankUpdate.Factors(
          left: factors.left.scaled(by: -1), right: factors.right)
      }
      return .lowRank(opposite)
    case .dense:
      return .dense(
        DenseUpdate(
          identity: "\(material.identity) safe-merge \(threshold) of \(attack.digest())",
          tensors: Dictionary(
            chosen.map { ($0, attack.terms(of: $0, scale: -1)) },
            uniquingKeysWith: { first, _ in first })))
    }
  }
}

extension SafeMERGERepair {
  static let kind = DefenceKind(
    "safe-merge",
    summary: "(1 − α) F + α A where cos(C T, T) < τ; safe-merge:tau=0.35:alpha=0.5"
  ) { settings, _ in
    let strengths = try settings.numbers("alpha", in: DefenceRange.share) ?? [0.5]
    return (try settings.numbers("tau", in: SafeLoRARepair.thresholdRange) ?? [0.35]).map {
      SafeMERGERepair(threshold: $0, strengths: strengths)
    }
  }
}
