import Foundation

/// The two-sided mid-p test of two proportions on different prompts (R. A. Fisher, 1935; mid-p after
/// Lancaster): given the total of successes, the first has a hypergeometric number of them if both are
/// equal; p is twice the smaller tail with half of what was seen, at most 1.
///
/// - Returns: 1 where either has no trials.
package func midPFisher(
  first: (successes: Int, trials: Int), second: (successes: Int, trials: Int)
) -> Double {
  let (m, n) = (first.trials, second.trials)
  let total = first.successes + second.successes
  precondition(first.successes >= 0 && first.successes <= m)
  precondition(second.successes >= 0 && second.successes <= n)
  guard m > 0, n > 0 else { return 1 }
  func logChoose(_ n: Int, _ k: Int) -> Double {
    lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
  }
  let least = max(0, total - n)
  let most = min(m, total)
  func probability(_ k: Int) -> Double {
    exp(logChoose(m, k) + logChoose(n, total - k) - logChoose(m + n, total))
  }
  let seen = probability(first.successes) / 2
  let below = (least..<first.successes).reduce(seen) { $0 + probability($1) }
  let above =
    first.successes < most
    ? ((first.successes + 1)...most).reduce(seen) { $0 + probability($1) } : seen
  return min(1, 2 * min(below, above))
}
