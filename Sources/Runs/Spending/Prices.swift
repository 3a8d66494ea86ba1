package import ModelAccess
package import Support

/// What a server takes for a million tokens, in any currency.
package struct Prices: Codable, Hashable, Sendable {
  /// Of prompts.
  package var perMillionIn: Double
  /// Of what is generated.
  package var perMillionOut: Double

  package init(perMillionIn: Double, perMillionOut: Double) {
    self.perMillionIn = perMillionIn
    self.perMillionOut = perMillionOut
  }

  enum CodingKeys: String, CodingKey {
    case perMillionIn = "per_million_in"
    case perMillionOut = "per_million_out"
  }

  package static let range = NumberRange(0.0...1_000_000)
  /// Of what a run may cost.
  package static let limitRange = NumberRange(0.0...1_000_000_000)

  package func cost(of use: TokenUse) -> Double {
    (Double(use.prompt) * perMillionIn + Double(use.completion) * perMillionOut) / 1e6
  }
}

extension Number {
  /// An amount of money to four digits behind the dot, or of a small one the first three that are not 0.
  package static func money(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return text(value) }
    var unit = 1e4
    while value.magnitude * unit < 100, unit < 1e12 { unit *= 10 }
    return prose((value * unit).rounded() / unit)
  }
}
