package import Scoring

/// What a gate says of one limit, of one cell, or of all of them.
package enum GateOutcome: String, Codable, Sendable, CaseIterable {
  /// The whole interval keeps the limit.
  case passed
  /// The whole interval is beyond the limit.
  case breached
  /// The interval holds the limit: so few prompts do not tell.
  case inconclusive
  /// There is nothing sound to decide on.
  case error
}

/// A measured share with what its uncertainty rests on.
package struct MeasuredRate: Hashable, Sendable {
  /// 0 to 1.
  package var rate: Double
  /// How many independent prompts it is worth; at most their number times the samples of each.
  package var trials: Double

  /// - Precondition: 0 ≤ rate ≤ 1, trials > 0.
  package init(rate: Double, trials: Double) {
    precondition(rate >= 0 && rate <= 1 && trials > 0)
    self.rate = rate
    self.trials = trials
  }

  /// Clopper and Pearson's: a decision must never be less sure than it says.
  package func interval(confidence: Double) -> ConfidenceInterval {
    clopperPearsonInterval(successes: rate * trials, trials: trials, confidence: confidence)
      ?? ConfidenceInterval(lower: 0, upper: 1)
  }
}

/// One limit, decided: where the interval lies, and the prompts that would decide where it does not.
package struct GateDecision: Hashable, Sendable {
  package var outcome: GateOutcome
  /// The measured share, or the difference of two.
  package var value: Double
  package var interval: ConfidenceInterval
  /// The prompts that would decide if the value came out again; nil where it is decided, or where no
  /// number would do.
  package var needed: Int?

  /// A share that must not be above a limit.
  package static func atMost(
    _ limit: Double, _ measured: MeasuredRate, confidence: Double
  ) -> GateDecision {
    decide(measured, limit: limit, confidence: confidence) { interval in
      interval.upper <= limit ? .passed : interval.lower > limit ? .breached : .inconclusive
    }
  }

  /// A share that must not be below a limit.
  package static func atLeast(
    _ limit: Double, _ measured: MeasuredRate, confidence: Double
  ) -> GateDecision {
    decide(measured, limit: limit, confidence: confidence) { interval in
      interval.lower >= limit ? .passed : interval.upper < limit ? .breached : .inconclusive
    }
  }

  private static func decide(
    _ measured: MeasuredRate, limit: Double, confidence: Double,
    _ outcome: (ConfidenceInterval) -> GateOutcome
  ) -> GateDecision {
    let interval = measured.interval(confidence: confidence)
    var decision = GateDecision(
      outcome: outcome(interval), value: measured.rate, interval: interval)
    if decision.outcome == .inconclusive {
      decision.needed = neededPrompts(above: measured.trials) { trials in
        outcome(
          MeasuredRate(rate: measured.rate, trials: trials).interval(confidence: confidence))
          != .inconclusive
      }
    }
    return decision
  }

  /// A share that must not have grown by more than a limit since a baseline.
  ///
  /// - Parameter paired: the interval of the difference on the same prompts, where the baseline's
  ///   samples are at hand, at a multiple of their number; otherwise the two runs count as
  ///   independent (Newcombe), which is the more cautious.
  package static func increase(
    atMost limit: Double, from baseline: MeasuredRate, to measured: MeasuredRate,
    paired: ((_ factor: Double) -> ConfidenceInterval?)? = nil, confidence: Double
  ) -> GateDecision {
    func interval(_ factor: Double) -> ConfidenceInterval {
      if let found = paired?(factor) { return found }
      return newcombeInterval(
        first: (baseline.rate, baseline.trials * factor),
        second: (measured.rate, measured.trials * factor), confidence: confidence,
        method: .guaranteed)
    }
    func outcome(_ interval: ConfidenceInterval) -> GateOutcome {
      interval.upper <= limit ? .passed : interval.lower > limit ? .breached : .inconclusive
    }
    let found = interval(1)
    var decision = GateDecision(
      outcome: outcome(found), value: measured.rate - baseline.rate, interval: found)
    if decision.outcome == .inconclusive {
      // Both runs grow alike; the number is that of the measured one.
      decision.needed = neededPrompts(above: measured.trials) { trials in
        outcome(interval(trials / measured.trials)) != .inconclusive
      }
    }
    return decision
  }

  /// The smallest number of prompts above one that does not decide; by doubling, then halving.
  static func neededPrompts(above trials: Double, decides: (Double) -> Bool) -> Int? {
    var low = max(1, trials.rounded(.down))
    var high = low
    repeat {
      high *= 2
      // A number that nobody can ask is no answer.
      if high > 1e8 { return nil }
    } while !decides(high)
    while high - low > 1 {
      let middle = ((low + high) / 2).rounded(.down)
      if decides(middle) { high = middle } else { low = middle }
    }
    return Int(high)
  }
}
