import Foundation

/// The attacks of a study, as `--attack` spells them.
public enum AttackSpecification {
  /// The word for the model before any attack.
  public static let none = "none"

  /// Parses a list such as `none,synthetic-harmful:2,import:runs/identity`. `none` names no attack:
  /// it is always measured.
  public static func parse(_ text: String, seed: UInt64) throws(AttackError) -> [any Attack] {
    var attacks: [any Attack] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let item = item.trimmingCharacters(in: .whitespaces)
      guard item != none else { continue }
      let attack = try parseOne(item, seed: seed)
      guard !attacks.contains(where: { $0.name == attack.name }) else {
        throw .duplicate(attack.name)
      }
      attacks.append(attack)
    }
    return attacks
  }

  private static func parseOne(_ text: String, seed: UInt64) throws(AttackError) -> any Attack {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let argument = parts.count > 1 ? parts[1] : nil
    switch parts.first {
    case "synthetic-harmful":
      return SyntheticAttack(
        kind: .harmful, strength: try strength(argument, of: text), seed: seed)
    case "synthetic-benign":
      return SyntheticAttack(kind: .benign, strength: try strength(argument, of: text), seed: seed)
    case "import":
      guard let argument, !argument.isEmpty else { throw .missingFolder(text) }
      return ImportedAttack(folder: URL(filePath: argument))
    default:
      throw .unknown(text)
    }
  }

  private static func strength(
    _ argument: String?, of attack: String
  ) throws(AttackError) -> Double {
    guard let argument else { return 1 }
    guard let value = Double(argument), value.isFinite, value > 0 else {
      throw .invalidStrength(attack: attack, found: argument)
    }
    return value
  }
}
