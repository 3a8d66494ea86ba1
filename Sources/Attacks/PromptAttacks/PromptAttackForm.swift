package import ModelAccess
package import StudyDesign
import Support

/// An attack that needs the conversation alone: what is asked is written otherwise. One file each.
package protocol PromptAttackForm: Sendable {
  /// What tells it from others, and where it stands in cells.
  var id: PromptAttack { get }
  /// What a reader must know of it.
  var remark: String { get }
  /// The conversation that is sent in place of one.
  func conversation(_ messages: [ChatMessage]) -> [ChatMessage]
}

/// A kind of prompt attack that `--prompt-attack` knows. Each one's file declares its own.
package struct PromptAttackKind: Sendable {
  /// Every kind: a line each.
  package static let all = [PrefillAttack.kind, PrefillAttack.seenKind, TemplateAttack.kind]

  let name: String
  /// What stands behind its name.
  let form: String
  let summary: String
  let make: @Sendable (String) throws -> any PromptAttackForm

  /// How the help text and error messages list them.
  package static var help: String {
    all.map { "\($0.name):\($0.form) (\($0.summary))" }.joined(separator: ", ")
  }

  /// Parses one, such as `prefill:Sure, here is` or `template:role-play`.
  ///
  /// - Throws: `AttackError`.
  package static func parse(_ text: String) throws -> any PromptAttackForm {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let kind = all.first(where: { $0.name == String(parts[0]) }) else {
      throw AttackError.unknownPromptAttack(text)
    }
    guard parts.count == 2, !parts[1].isEmpty else {
      throw AttackError.emptyPromptAttack(attack: kind.name, form: kind.form)
    }
    return try kind.make(String(parts[1]))
  }
}
