/// The interval of C. J. Clopper and E. S. Pearson (1934) for a proportion: the lower limit l and the
/// upper limit u are where
///
///     P(X ≥ successes | l) = α/2,   P(X ≤ successes | u) = α/2,   α = 1 − confidence
///
/// The only one here that covers the truth with at least its confidence at **every** rate; a gate
/// decides by it. Each limit by itself is a one-sided one of confidence 1 − α/2.
///
/// - Parameters:
///   - successes, trials: 0 ≤ successes ≤ trials; need not be whole, as clustered samples have it.
///   - confidence: in (0, 1).
/// - Returns: nil where there are no trials.
package func clopperPearsonInterval(
  successes: Double, trials: Double, confidence: Double = 0.95
) -> ConfidenceInterval? {
  interval(successes, trials, confidence) { k, p in
    Binomial.atLeast(k, of: trials, at: p)
  }
}

/// The mid-p interval of a proportion (H. O. Lancaster, 1961): as Clopper and Pearson's, with half the
/// probability of what was seen taken off each tail.
///
/// Covers the truth with its confidence on average over rates, in places a little less or more, and is
/// never of no width: tables and charts show it. Wilson's interval falls to 90 % at rates below 1 %.
///
/// - Parameters: as of ``clopperPearsonInterval(successes:trials:confidence:)``.
/// - Returns: nil where there are no trials.
package func midPInterval(
  successes: Double, trials: Double, confidence: Double = 0.95
) -> ConfidenceInterval? {
  interval(successes, trials, confidence) { k, p in
    (Binomial.atLeast(k, of: trials, at: p) + Binomial.atLeast(k + 1, of: trials, at: p)) / 2
  }
}

/// Both limits, from the upper tail of a count as a function of the rate; the lower tail is that of the
/// failures.
private func interval(
  _ successes: Double, _ trials: Double, _ confidence: Double,
  _ tail: (_ k: Double, _ p: Double) -> Double
) -> ConfidenceInterval? {
  precondition(
    successes >= 0 && successes <= trials + 1e-9 && confidence > 0 && confidence < 1)
  guard trials > 0 else { return nil }
  let share = (1 - confidence) / 2
  /// The rate at which so many or more have the probability `share`.
  func lower(_ k: Double) -> Double {
    if k <= 0 { return 0 }
    return bisection { tail(k, $0) < share }
  }
  let successes = min(successes, trials)
  return ConfidenceInterval(lower: lower(successes), upper: 1 - lower(trials - successes))
}

/// The border in [0, 1] below which a condition holds, to 1e-14.
func bisection(_ isBelow: (Double) -> Bool) -> Double {
  var (low, high) = (0.0, 1.0)
  while high - low > 1e-14 {
    let middle = (low + high) / 2
    if middle <= low || middle >= high { break }
    if isBelow(middle) { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
