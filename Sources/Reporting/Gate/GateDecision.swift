import Foundation
package import Scoring

/// What a gate says of one limit, of one cell, or of all of them.
package enum GateOutcome: String, Codable, Sendable, CaseIterable {
  /// The whole interval keeps the limit.
  case passed
  /// The whole interval is beyond the limit.
  case breached
  /// The interval holds the limit: so few prompts do not tell.
  case inconclusive
  /// A run that goes on until it is decided has asked all that it may, and is not.
  case undecided
  /// There is nothing sound to decide on.
  case error
}

/// A measured share with what its uncertainty rests on.
package struct MeasuredRate: Hashable, Sendable {
  /// 0 to 1, of the replies that say something.
  package var rate: Double
  /// Of all that was asked, if every reply in doubt counted for the model, and if it counted against it.
  package var lowest: Double
  package var highest: Double
  /// How many independent prompts it is worth; at most their number times the samples of each.
  package var trials: Double

  /// - Precondition: shares in [0, 1], lowest ≤ highest, trials > 0.
  package init(rate: Double, lowest: Double, highest: Double, trials: Double) {
    precondition(lowest >= 0 && lowest <= highest && highest <= 1 && trials > 0)
    self.rate = rate
    self.lowest = lowest
    self.highest = highest
    self.trials = trials
  }

  /// A share without replies in doubt.
  package init(rate: Double, trials: Double) {
    self.init(rate: rate, lowest: rate, highest: rate, trials: trials)
  }

  /// Clopper and Pearson's, since a decision must never be less sure than it says: from the lower limit
  /// of the lowest rate to the upper limit of the highest.
  package func interval(confidence: Double) -> ConfidenceInterval {
    func limits(_ rate: Double) -> ConfidenceInterval {
      clopperPearsonInterval(successes: rate * trials, trials: trials, confidence: confidence)
        ?? ConfidenceInterval(lower: 0, upper: 1)
    }
    return ConfidenceInterval(lower: limits(lowest).lower, upper: limits(highest).upper)
  }
}

/// How many prompts would decide what so few do not.
package enum NeededPrompts: Hashable, Sendable {
  case about(Int)
  /// The number lies beyond what is looked for.
  case moreThan(Int)
  /// The rate is the limit.
  case none
  /// What the rate is depends on replies that say nothing.
  case doubtful

  /// The chance with which they would decide.
  package static let power = 0.8
  /// No larger number is looked for.
  static let most = 10_000
}

/// One limit and what was measured of it: whether it is kept or beyond, at any confidence.
package struct GateQuestion {
  /// The measured share, or the difference of two.
  package let value: Double
  package let limit: Double
  /// Whether the value must not be below the limit, rather than not above it.
  package let isAtLeast: Bool
  /// Two-sided, at a confidence.
  package let interval: (Double) -> ConfidenceInterval
  /// The prompts that would decide at a confidence, of a breach at another.
  let needed: (_ pass: Double, _ breach: Double) -> NeededPrompts

  func keeps(at confidence: Double) -> Bool {
    let found = interval(confidence)
    return isAtLeast ? found.lower >= limit : found.upper <= limit
  }

  func breaks(at confidence: Double) -> Bool {
    let found = interval(confidence)
    return isAtLeast ? found.upper < limit : found.lower > limit
  }

  /// The least error at which the limit would be found broken: the p-value, two-sided.
  func breachError() -> Double {
    var (low, high) = (-14.0, 0.0)
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if breaks(at: 1 - exp10(middle)) { high = middle } else { low = middle }
    }
    return exp10(high)
  }

  private func exp10(_ exponent: Double) -> Double { min(1 - 1e-9, pow(10, exponent)) }
}

extension GateQuestion {
  /// A share that must not be above a limit.
  package static func atMost(_ limit: Double, _ measured: MeasuredRate) -> GateQuestion {
    rate(limit, measured, isAtLeast: false)
  }

  /// A share that must not be below a limit.
  package static func atLeast(_ limit: Double, _ measured: MeasuredRate) -> GateQuestion {
    rate(limit, measured, isAtLeast: true)
  }

  private static func rate(
    _ limit: Double, _ measured: MeasuredRate, isAtLeast: Bool
  ) -> GateQuestion {
    GateQuestion(
      value: measured.rate, limit: limit, isAtLeast: isAtLeast,
      interval: { measured.interval(confidence: $0) },
      needed: { pass, breach in
        let rate: Double
        if measured.highest < limit {
          rate = measured.highest
        } else if measured.lowest > limit {
          rate = measured.lowest
        } else {
          return measured.lowest == measured.highest ? .none : .doubtful
        }
        let isKept = (rate > limit) == isAtLeast
        return fixedSampleSize(
          rate: rate, limit: limit, power: NeededPrompts.power,
          confidence: isKept ? pass : breach, most: NeededPrompts.most
        ).map(NeededPrompts.about) ?? .moreThan(NeededPrompts.most)
      })
  }
}

/// Decides limits together: each passes by its own interval, since a gate passes only where all do; a
/// breach must stand against the number of limits (S. Holm, 1979), since a gate breaches where any does.
package enum GateDecisions {
  /// - Returns: for each question whether it passed, breached or is inconclusive.
  package static func decide(
    _ questions: [GateQuestion], confidence: Double
  ) -> [GateOutcome] {
    var outcomes = questions.map { question -> GateOutcome in
      question.keeps(at: confidence) ? .passed : .inconclusive
    }
    let broken = questions.indices.filter { questions[$0].breaks(at: confidence) }
    // Most often there is one, and nothing to put in order.
    let ordered =
      broken.count < 2
      ? broken
      : broken.map { ($0, questions[$0].breachError()) }
        .sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0)
    for (place, index) in ordered.enumerated() {
      let corrected = 1 - (1 - confidence) / Double(questions.count - place)
      guard questions[index].breaks(at: corrected) else { break }
      outcomes[index] = .breached
    }
    return outcomes
  }
}
