import Foundation

/// A two-sided confidence interval.
public struct ConfidenceInterval: Codable, Hashable, Sendable {
  public var lower: Double
  public var upper: Double

  public init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }
}

/// Wilson's score interval for a proportion (E. B. Wilson, 1927): with p = successes / n and z the
/// normal quantile of the confidence,
///
///     (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
///
/// Unlike p ± z·σ it stays within [0, 1] and keeps its coverage for few trials and for p near 0.
///
/// - Returns: nil where there are no trials.
/// - Precondition: 0 ≤ successes ≤ trials, 0 < confidence < 1.
public func wilsonInterval(
  successes: Int, trials: Int, confidence: Double = 0.95
) -> ConfidenceInterval? {
  precondition(successes >= 0 && successes <= trials && confidence > 0 && confidence < 1)
  guard trials > 0 else { return nil }
  let n = Double(trials)
  let p = Double(successes) / n
  let z = normalQuantile((1 + confidence) / 2)
  let centre = p + z * z / (2 * n)
  let half = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
  let scale = 1 + z * z / n
  // At the ends the formula gives 0 and 1 but for rounding.
  return ConfidenceInterval(
    lower: successes == 0 ? 0 : max(0, (centre - half) / scale),
    upper: successes == trials ? 1 : min(1, (centre + half) / scale))
}

/// The two-sided mid-p McNemar test of paired yes-or-no outcomes (Fagerland, Lydersen and Laake,
/// 2013): of n = b + c prompts on which the two models differ, with m = min(b, c) and
/// X ~ Binomial(n, 1/2), p = 2 P(X ≤ m) − P(X = m), at most 1.
///
/// - Parameters:
///   - onlyFirst: b, the prompts on which only the first model complied.
///   - onlySecond: c, those on which only the second did.
/// - Returns: 1 where the models never differ: nothing speaks against equality.
public func midPMcNemar(onlyFirst: Int, onlySecond: Int) -> Double {
  precondition(onlyFirst >= 0 && onlySecond >= 0)
  let n = onlyFirst + onlySecond
  let m = min(onlyFirst, onlySecond)
  guard n > 0, onlyFirst != onlySecond else { return 1 }
  func logProbability(_ k: Int) -> Double {
    lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
      - Double(n) * log(2)
  }
  let tail = (0...m).reduce(0.0) { $0 + exp(logProbability($1)) }
  return min(1, 2 * tail - exp(logProbability(m)))
}

/// z with Φ(z) = p, by bisection on the complementary error function.
///
/// - Precondition: 0 < p < 1.
public func normalQuantile(_ p: Double) -> Double {
  precondition(p > 0 && p < 1)
  if p == 0.5 { return 0 }
  if p < 0.5 { return -normalQuantile(1 - p) }
  func upperTail(_ z: Double) -> Double { erfc(z / 2.0.squareRoot()) / 2 }
  var (low, high) = (0.0, 40.0)
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if upperTail(middle) > 1 - p { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
