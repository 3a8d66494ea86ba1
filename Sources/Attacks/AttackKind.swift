import Foundation
import Support

/// One item of `--attack`, with what stands behind its first colon.
struct AttackItem {
  let text: String
  let name: String
  let argument: String?

  init(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    self.text = text
    name = parts.first.map(String.init) ?? ""
    argument = parts.count > 1 ? String(parts[1]) : nil
  }

  func path() throws(AttackError) -> URL {
    guard let argument, !argument.isEmpty else { throw .missingFolder(text) }
    return URL(filePath: argument)
  }

  func strength() throws(AttackError) -> Double {
    guard let argument else { return SyntheticAttack.standardStrength }
    guard let value = try? SyntheticAttack.strengthRange.read(argument) else {
      throw .invalidStrength(attack: text, found: argument)
    }
    return value
  }
}

/// A kind of attack that `--attack` knows. Each attack's file declares its own.
package struct AttackKind: Sendable {
  /// Every kind but the presets: a line each.
  static let general = [
    AttackFile.trainingKind, AttackFile.commandKind, ImportedAttack.kind,
    SyntheticAttack.harmfulKind, SyntheticAttack.benignKind, UndoAttack.kind,
    AbliterationAttack.kind, AttackSearch.kind,
  ]
  package static let all = general + AttackPreset.allCases.map(\.kind)

  /// How the help text and error messages list them.
  package static var help: String {
    (general.map(\.help) + ["or a preset: \(AttackPreset.names)"]).joined(separator: ", ")
  }

  let name: String
  /// What stands behind its name, such as `:DIR`; empty for nothing.
  let form: String
  /// What that is, where the form does not say it.
  let summary: String?
  /// Whether a path stands there, which may hold commas.
  let takesPath: Bool
  let make: @Sendable (AttackItem, AttackSpecification) throws -> [any Attack]

  init(
    _ name: String, form: String = "", summary: String? = nil, takesPath: Bool = false,
    make: @escaping @Sendable (AttackItem, AttackSpecification) throws -> any Attack
  ) {
    self.init(
      seriesOf: name, form: form, summary: summary, takesPath: takesPath,
      make: { [try make($0, $1)] })
  }

  /// A kind of which one item is several attacks.
  init(
    seriesOf name: String, form: String = "", summary: String? = nil, takesPath: Bool = false,
    make: @escaping @Sendable (AttackItem, AttackSpecification) throws -> [any Attack]
  ) {
    self.name = name
    self.form = form
    self.summary = summary
    self.takesPath = takesPath
    self.make = make
  }

  private var help: String { name + form + (summary.map { " (\($0))" } ?? "") }
}
