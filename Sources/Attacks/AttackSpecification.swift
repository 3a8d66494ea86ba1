package import Decoder
package import Foundation
package import LinearAlgebra
import StudyDesign
package import Support

/// The attacks of a study, as `--attack` spells them.
package struct AttackSpecification: Sendable {
  /// Seeds what is random.
  package var seed: UInt64
  /// With how many seeds each attack is made that has one of its own: its own, and those after it.
  package var seeds: Int
  /// After which steps trainings are taken, in ascending order; empty takes them at their end.
  package var steps: [Int]
  /// How presets train.
  package var method: TrainingRecipe.Method
  /// What presets start from.
  package var origin: AttackOrigin
  /// In which trainings compute whose file does not say it.
  package var arithmetic: Arithmetic
  /// Finds a bundled training set by its name, such as `training/identity-shift`.
  package var bundled: @Sendable (String) -> URL
  /// Finds the folder of what was trained elsewhere.
  package var folder: @Sendable (String) throws -> URL

  package init(
    seed: UInt64, method: TrainingRecipe.Method = .lora, origin: AttackOrigin = .each,
    seeds: Int = 1, steps: [Int] = [], arithmetic: Arithmetic = .float32,
    folder: @escaping @Sendable (String) throws -> URL = { URL(filePath: $0) },
    bundled: @escaping @Sendable (String) -> URL
  ) {
    self.seed = seed
    self.seeds = seeds
    self.steps = steps
    self.method = method
    self.origin = origin
    self.arithmetic = arithmetic
    self.folder = folder
    self.bundled = bundled
  }

  package static let seedRange = NumberRange(1...100)
  package static let stepRange = NumberRange(1...1_000_000)

  /// Parses a list such as `none,identity-shift,synthetic-harmful:2,import:runs/mine`. `none` names
  /// no attack: it is always measured.
  ///
  /// A path may hold commas where it leads to something that is there, or stands in quotation marks:
  /// `import:"a,b"`.
  ///
  /// - Throws: `AttackError` and, of trainings, `TrainingError`.
  package func parse(_ text: String) throws -> [any Attack] {
    try Self.items(of: text)
      .filter { $0 != AttackID.none.label }
      .flatMap { text in
        let item = AttackItem(text)
        guard let kind = AttackKind.all.first(where: { $0.name == item.name }),
          item.argument == nil || !kind.form.isEmpty
        else { throw AttackError.unknown(text) }
        let made = try kind.make(item, self).map {
          ($0 as? TrainedAttack)?.computed(in: arithmetic) ?? $0
        }
        return try made.flatMap(withSeeds).flatMap { attack in
          steps.isEmpty ? [attack] : try attack.taken(after: steps) ?? [attack]
        }
      }
  }

  /// Whether a preset stands in a list.
  package static func namesPreset(_ text: String) -> Bool {
    items(of: text).contains { AttackPreset(rawValue: $0) != nil }
  }

  private static func items(of text: String) -> [String] {
    PathList.items(of: text, prefixes: AttackKind.all.filter(\.takesPath).map { $0.name + ":" })
  }

  private func withSeeds(_ attack: any Attack) -> [any Attack] {
    guard let first = attack.seed else { return [attack] }
    return [attack] + (1..<UInt64(seeds)).compactMap { attack.seeded(first &+ $0) }
  }
}
