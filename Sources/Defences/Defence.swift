package import Checkpoints
package import LoX
package import StudyDesign

/// A defence: what it makes of an alignment, and at which strengths it is measured.
///
/// One file each. A defence that is a low-rank update is decomposed once and scaled for every strength.
package protocol Defence: Sendable {
  /// As `--defence`, the files and the reports name it, with its parameters.
  var arm: Treatment.Arm { get }
  /// Where it is measured; 0 among them is the untreated model.
  var strengths: [Double] { get }
  /// The most directions of each tensor's ΔW that it looks at.
  var rank: Rank { get }

  /// The update of the model which at scale s is the defence at strength s.
  func update(of alignment: Decomposition) throws -> LowRankUpdate
}

extension Defence {
  /// A name for its update, for people: `lox-r6`. Two defences may share it.
  package var label: String {
    let values = arm.parameters.sorted { $0.key < $1.key }.map { name, value in
      "-\(name.prefix(1))\(value.text)"
    }
    return arm.method.rawValue + values.joined()
  }
}
