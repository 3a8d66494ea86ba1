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
    try PathList.items(of: text, prefixes: Self.pathPrefixes)
      .filter { $0 != AttackID.none.label }.map(parseOne)
  }

  /// What stands before a path.
  private static let pathPrefixes = ["import:", "train:", "command:"]

  private func parseOne(_ text: String) throws -> any Attack {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let argument = parts.count > 1 ? parts[1] : nil
    func path() throws(AttackError) -> URL {
      guard let argument, !argument.isEmpty else { throw .missingFolder(text) }
      return URL(filePath: argument)
    }
    switch parts.first {
    case "synthetic-harmful":
      return SyntheticAttack(
        kind: .harmful, strength: try strength(argument, of: text), seed: seed)
    case "synthetic-benign":
      return SyntheticAttack(kind: .benign, strength: try strength(argument, of: text), seed: seed)
    case "import":
      return try ImportedAttack(folder: try path())
    case "train":
      return try AttackFile.training(path(), seed: seed, bundled: bundled)
    case "command":
      return try AttackFile.command(path(), seed: seed)
    default:
      guard let preset = AttackPreset(rawValue: text) else { throw AttackError.unknown(text) }
      return TrainedAttack(
        labels: [preset.rawValue], recipe: preset.recipe(method: method, seed: seed),
        set: try TrainingSet(file: bundled(preset.bundledDataset)), origin: origin)
    }
  }

  private func strength(
    _ argument: String?, of attack: String
  ) throws(AttackError) -> Double {
    guard let argument else { return SyntheticAttack.standardStrength }
    guard let value = try? SyntheticAttack.strengthRange.read(argument) else {
      throw .invalidStrength(attack: attack, found: argument)
    }
    return value
  }
}
