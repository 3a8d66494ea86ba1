package import ModelAccess
package import StudyDesign
import Support

extension AttackID.Method {
  package static let undo = AttackID.Method(rawValue: "undo")
}

/// Takes a defence away again: who holds the weights before and after it, or can compute it anew from the
/// base and the aligned model, subtracts the defence's own update. No data, no training.
///
/// It changes the scales of what is there already, so no update of its own is made, and at strength 1 the
/// model is the untreated one to the bit. What was not treated it leaves as it is.
package struct UndoAttack: Attack {
  /// s: of a defence at α there remains (1 − s) α.
  package let strength: Double

  package init(strength: Double = 1) { self.strength = strength }

  package var labels: [String] { [strength == 1 ? "undo" : "undo:\(Number.text(strength))"] }
  package var method: AttackID.Method { .undo }
  package var recipe: String { "\(strength)" }
  package var seed: UInt64? { nil }
  package var isMadeFromEachModel: Bool { true }

  package var remark: String? {
    "who knows the defence subtracts its own update"
      + (strength == 1 ? "" : ", \(Number.text(strength)) times")
      + "; no data, no training; it does nothing to the undefended model"
  }

  package func stack(of model: [ScaledUpdate]) -> [ScaledUpdate]? {
    model.map { ScaledUpdate(name: $0.name, scale: $0.scale * (1 - strength)) }
      .filter { $0.scale != 0 }
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    preconditionFailure("undo changes scales and makes no update")
  }
}

extension UndoAttack {
  static let kind = AttackKind("undo", form: "[:STRENGTH]") { item, _ in
    UndoAttack(strength: try item.strength())
  }
}
