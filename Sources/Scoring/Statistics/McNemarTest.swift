import Foundation

/// The two-sided mid-p McNemar test of paired yes-or-no outcomes (Fagerland, Lydersen and Laake,
/// 2013): of n = b + c prompts on which the two models differ, with m = min(b, c) and
/// X ~ Binomial(n, 1/2), p = 2 P(X ≤ m) − P(X = m), at most 1.
///
/// - Parameters:
///   - onlyFirst: b, the prompts on which only the first model complied.
///   - onlySecond: c, those on which only the second did.
/// - Returns: 1 where the models never differ: nothing speaks against equality.
package func midPMcNemar(onlyFirst: Int, onlySecond: Int) -> Double {
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
