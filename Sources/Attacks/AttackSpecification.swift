package import Decoder
package import Foundation
import StudyDesign
import Support

/// The attacks of a study, as `--attack` spells them.
package struct AttackSpecification: Sendable {
  /// Seeds what is random.
  package var seed: UInt64
  /// How presets train.
  package var method: TrainingRecipe.Method
  /// What presets start from.
  package var origin: AttackOrigin
  /// Finds a bundled training set by its name, such as `training/identity-shift`.
  package var bundled: @Sendable (String) -> URL

  package init(
    seed: UInt64, method: TrainingRecipe.Method = .lora, origin: AttackOrigin = .each,
    bundled: @escaping @Sendable (String) -> URL
  ) {
    self.seed = seed
    self.method = method
    self.origin = origin
    self.bundled = bundled
  }

  /// Parses a list such as `none,identity-shift,synthetic-harmful:2,import:runs/mine`. `none` names
  /// no attack: it is always measured.
  ///
  /// A path may hold commas where it leads to something that is there, or stands in quotation marks:
  /// `import:"a,b"`.
  ///
  /// - Throws: `AttackError` and, of trainings, `TrainingError`.
  package func parse(_ text: String) throws -> [any Attack] {
    let prefixes = AttackKind.all.filter(\.takesPath).map { $0.name + ":" }
    return try PathList.items(of: text, prefixes: prefixes)
      .filter { $0 != AttackID.none.label }
      .map { text in
        let item = AttackItem(text)
        guard let kind = AttackKind.all.first(where: { $0.name == item.name }),
          item.argument == nil || !kind.form.isEmpty
        else { throw AttackError.unknown(text) }
        return try kind.make(item, self)
      }
  }
}
