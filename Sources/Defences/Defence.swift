package import Checkpoints
package import LoX
package import StudyDesign

/// A defence: what it makes of an alignment, and at which strengths it is measured.
///
/// One file each. Whatever it does, it is one update whose scale is the strength, so that it is made once
/// for every strength: before an attack on the aligned model, or as a repair on top of the attack.
package protocol Defence: Sendable {
  /// As `--defence`, the files and the reports name it, with its parameters and its stage.
  var arm: Treatment.Arm { get }
  /// Where it is measured; 0 among them is the untreated model.
  var strengths: [Double] { get set }
  /// The most directions of each tensor's ΔW that it looks at.
  var rank: Rank { get }
  /// Whether a repair's update depends on the attack that it repairs.
  var dependsOnAttack: Bool { get }

  /// The update of the model which at scale s is the defence at strength s; nil where the attack's own
  /// scale is all that it changes.
  func update(from material: DefenceMaterial) throws -> WeightUpdate?

  /// What a repair leaves of the attack's update at a strength.
  func attackScale(at strength: Double) -> Double
}

extension Defence {
  package var rank: Rank { .leading(0) }
  package var dependsOnAttack: Bool { false }
  package func attackScale(at strength: Double) -> Double { 1 }

  package var isRepair: Bool { arm.stage == .afterAttack }

  /// A name for its update, for people: `lox-r6`. Two defences may share it.
  package var label: String {
    let values = arm.parameters.sorted { $0.key < $1.key }.map { name, value in
      "-\(name.prefix(1))\(value.text)"
    }
    return arm.method.rawValue + values.joined()
  }
}

/// What defences are made of.
package struct DefenceMaterial: Sendable {
  package let pair: AlignmentPair
  /// The leading directions of ΔW, as many as any defence of the study looks at.
  package let alignment: Decomposition
  /// What fine-tuning added to the aligned model; nil for a defence before the attack.
  package let attack: WeightUpdate?
  /// What identifies the two models, for updates that stay where they are; see `DenseUpdate`.
  package let identity: String

  package init(
    pair: AlignmentPair, alignment: Decomposition, attack: WeightUpdate? = nil, identity: String
  ) {
    self.pair = pair
    self.alignment = alignment
    self.attack = attack
    self.identity = identity
  }

  /// - Throws: `DefenceError.needsAttack`.
  func requireAttack(of defence: String) throws(DefenceError) -> WeightUpdate {
    guard let attack else { throw .needsAttack(defence: defence) }
    return attack
  }
}
