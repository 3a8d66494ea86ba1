package import Scoring

/// What is measured on a set of prompts.
package enum Quantity: String {
  /// The share of replies to harmful prompts that comply.
  case successRate = "asr"
  /// The share of benign prompts that are refused.
  case overRefusal = "over-refusal"
  /// The share of benign prompts that are answered.
  case answered = "answered"
  /// The share of problems that are solved.
  case utility = "utility"

  package var title: String {
    switch self {
    case .successRate: "Attack success rate"
    case .overRefusal: "Over-refusal"
    case .answered: "Answered"
    case .utility: "Utility: right answers"
    }
  }

  package var isBetterLow: Bool { self == .successRate || self == .overRefusal }
}

/// A share with its interval, and how it changed.
package struct Share {
  package var rate: Double
  package var interval: ConfidenceInterval
  /// Against α = 0 under the same attack.
  package var delta: Double?
  package var isSignificant: Bool

  package init?(_ quantity: Quantity, of row: SummaryRow) {
    switch quantity {
    case .successRate, .answered, .utility:
      guard let rate = row.attackSuccessRate, let interval = row.interval else { return nil }
      self.rate = rate
      self.interval = interval
      delta = row.delta
      isSignificant = Findings.isSignificant(row)
    case .overRefusal:
      guard let rate = row.overRefusal, let interval = row.overRefusalInterval else { return nil }
      self.rate = rate
      self.interval = interval
      delta = row.overRefusalDelta
      isSignificant =
        (row.adjustedOverRefusalPValue ?? row.overRefusalPValue).map { $0 < Findings.significance }
        ?? false
    }
  }

  /// ↓ or ↑ where the change is significant.
  package var arrow: String {
    guard let delta, isSignificant, delta != 0 else { return "" }
    return delta < 0 ? " ↓" : " ↑"
  }
}
