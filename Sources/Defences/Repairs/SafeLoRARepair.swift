package import Checkpoints
import LinearAlgebra
package import StudyDesign
import Support

/// Safe LoRA (arXiv 2405.16833): T ← C T in the layers whose fine-tuning agrees least with the alignment,
/// C = ΔW ΔWᵀ / ‖ΔW‖_F; the N of lowest cos(C T, T), 10 as published, or all up to a threshold τ.
///
/// Its update is (C − I) T in those layers, of the attack's own rank; strength 1 is the published method.
package struct SafeLoRARepair: Defence {
  package enum Choice: Hashable, Sendable {
    case number(Int)
    /// Layers with cos(C T, T) ≤ τ.
    case threshold(Double)
  }

  package let choice: Choice
  package var strengths: [Double] = [1]

  package init(_ choice: Choice = .number(10)) { self.choice = choice }

  package var arm: Treatment.Arm {
    switch choice {
    case .number(let count):
      Treatment.Arm(
        method: "safe-lora", parameters: ["number": .integer(count)], stage: .afterAttack)
    case .threshold(let value):
      Treatment.Arm(
        method: "safe-lora", parameters: ["tau": .number(value)], stage: .afterAttack)
    }
  }

  package var dependsOnAttack: Bool { true }

  package func update(from material: DefenceMaterial) throws -> WeightUpdate? {
    let attack = try material.requireAttack(of: "safe-lora")
    let agreement = try material.agreement(of: attack)
    guard !agreement.isEmpty else {
      throw DefenceError.nothingToRepair(
        defence: "safe-lora", reason: "fine-tuning changed no linear layer of the blocks")
    }
    let chosen = chosen(of: agreement.mapValues(\.cosine))
    if case .lowRank(let tuning) = attack {
      var update = LowRankUpdate()
      for name in chosen {
        guard let factors = tuning.tensors[name], let image = agreement[name]?.image else {
          continue
        }
        update.tensors[name] = LowRankUpdate.Factors(
          left: image - factors.left, right: factors.right)
      }
      return .lowRank(update)
    }
    var tensors: [String: [DenseUpdate.Term]] = [:]
    for name in chosen {
      tensors[name] = [
        .computed(scale: 1) {
          let (_, image, tuning) = try material.projection(attack, of: name)
          return (image - tuning).elements
        }
      ]
    }
    return .dense(
      DenseUpdate(
        identity: "\(material.identity) safe-lora \(arm.parameters.text) of \(attack.digest())",
        tensors: tensors))
  }

  /// Of equal cosines the first by name.
  private func chosen(of cosines: [String: Double]) -> [String] {
    let ascending = cosines.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
    return switch choice {
    case .number(let count): ascending.prefix(count).map(\.key)
    case .threshold(let value): ascending.filter { $0.value <= value }.map(\.key)
    }
  }
}

extension SafeLoRARepair {
  static let numberRange = NumberRange(1...1_000_000)
  static let thresholdRange = NumberRange(-1.0...1.0)

  static let kind = DefenceKind(
    "safe-lora",
    summary: "T ← C T in the layers of lowest cos(C T, T); safe-lora:number=10 or safe-lora:tau=0.5"
  ) { settings, _ in
    let number = try settings.integers("number", in: numberRange)
    let thresholds = try settings.numbers("tau", in: thresholdRange)
    guard number == nil || thresholds == nil else {
      throw DefenceError.setting(
        defence: "safe-lora", name: "number", expected: "absent beside tau",
        found: "\(number?.first ?? 0)")
    }
    if let thresholds { return thresholds.map { SafeLoRARepair(.threshold($0)) } }
    return (number ?? [10]).map { SafeLoRARepair(.number($0)) }
  }
}
