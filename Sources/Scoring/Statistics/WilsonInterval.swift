/// Wilson's score interval for a proportion (E. B. Wilson, 1927): with p = successes / n and z the
/// normal quantile of the confidence,
///
///     (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
///
/// Unlike p ± z·σ it stays within [0, 1] and keeps its coverage for few trials and for p near 0.
///
/// - Returns: nil where there are no trials.
/// - Precondition: 0 ≤ successes ≤ trials, 0 < confidence < 1.
package func wilsonInterval(
  successes: Int, trials: Int, confidence: Double = 0.95
) -> ConfidenceInterval? {
  precondition(successes >= 0 && successes <= trials && confidence > 0 && confidence < 1)
  guard trials > 0 else { return nil }
  return wilsonInterval(
    rate: Double(successes) / Double(trials), trials: Double(trials), confidence: confidence)
}

/// Wilson's interval at a size that need not be whole, as clustered samples have.
///
/// - Precondition: 0 ≤ rate ≤ 1, trials > 0, 0 < confidence < 1.
package func wilsonInterval(rate: Double, trials: Double, confidence: Double) -> ConfidenceInterval
{
  precondition(rate >= 0 && rate <= 1 && trials > 0 && confidence > 0 && confidence < 1)
  let z = normalQuantile((1 + confidence) / 2)
  let centre = rate + z * z / (2 * trials)
  let half = z * (rate * (1 - rate) / trials + z * z / (4 * trials * trials)).squareRoot()
  let scale = 1 + z * z / trials
  return ConfidenceInterval(
    // At the ends the formula gives 0 and 1 but for rounding.
    lower: rate == 0 ? 0 : max(0, (centre - half) / scale),
    upper: rate == 1 ? 1 : min(1, (centre + half) / scale))
}
