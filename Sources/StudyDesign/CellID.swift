import Foundation
import Support

/// The key of a cell: a digest of what tells it from every other, behind a text for people.
///
/// Nothing reads the text back. Cells of runs made before schema 2 keep the ids they were given.
package struct CellID: RawRepresentable, Codable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package var description: String { rawValue }

  /// What decides a cell's identity.
  private struct Factors: Encodable {
    var treatment: Treatment
    var attack: AttackID
    var promptAttack: PromptAttack
    var dataset: String
  }

  package init(
    treatment: Treatment, attack: AttackID, promptAttack: PromptAttack, dataset: String
  ) {
    var attack = attack
    // The recipe holds it, and more.
    attack.training = nil
    // A trial is the training that it is, whoever searched.
    attack.search = nil
    let factors = Factors(
      treatment: treatment, attack: attack, promptAttack: promptAttack, dataset: dataset)
    // Strengths are finite where they are parsed; nothing else of it can fail to encode.
    let data = (try? StableJSON.encode(factors)) ?? Data("\(factors)".utf8)
    let digest = Digest.sha256(data).dropFirst("sha256:".count).prefix(12)
    rawValue = "\(treatment.slug)-\(attack.label)-\(dataset)~\(digest)"
  }

  package init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(String.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
