import Foundation

/// The regularised incomplete beta function I_x(a, b), by the continued fraction of its ratio to the
/// leading term (DLMF 8.17.22), evaluated after J. Lentz from the side where it converges fast.
///
/// - Parameters:
///   - x: in [0, 1].
///   - a, b: above 0; need not be whole.
/// - Returns: in [0, 1], to about 1e-13.
package func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  precondition(a > 0 && b > 0 && x >= 0 && x <= 1)
  if x == 0 || x == 1 { return x }
  if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
  let beta = lgamma(a) + lgamma(b) - lgamma(a + b)
  let leading = exp(a * log(x) + b * log1p(-x) - beta) / a
  let tiny = 1e-300
  var c = 1.0
  var d = 1 - (a + b) * x / (a + 1)
  d = 1 / (abs(d) < tiny ? tiny : d)
  var fraction = d
  func advance(_ numerator: Double) {
    d = 1 + numerator * d
    d = 1 / (abs(d) < tiny ? tiny : d)
    c = 1 + numerator / c
    if abs(c) < tiny { c = tiny }
    fraction *= d * c
  }
  for step in 1...10_000 {
    let m = Double(step)
    advance(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)))
    advance(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)))
    if abs(d * c - 1) < 1e-15 { break }
  }
  return min(1, max(0, leading * fraction))
}

/// A number of successes X in n independent trials of one probability.
package enum Binomial {
  /// P(X = k).
  package static func probability(_ k: Int, of n: Int, at p: Double) -> Double {
    precondition(n >= 0 && p >= 0 && p <= 1)
    guard k >= 0, k <= n else { return 0 }
    if p == 0 { return k == 0 ? 1 : 0 }
    if p == 1 { return k == n ? 1 : 0 }
    let (hits, misses) = (Double(k), Double(n - k))
    let choices = lgamma(Double(n) + 1) - lgamma(hits + 1) - lgamma(misses + 1)
    return exp(choices + hits * log(p) + misses * log1p(-p))
  }

  /// P(X ≥ k), continued to k and n that are not whole by the incomplete beta function.
  ///
  /// - Precondition: n > 0.
  package static func atLeast(_ k: Double, of n: Double, at p: Double) -> Double {
    if k <= 0 { return 1 }
    if k >= n + 1 { return 0 }
    return incompleteBeta(p, k, n - k + 1)
  }

  /// P(X ≤ k), as ``atLeast(_:of:at:)``.
  package static func atMost(_ k: Double, of n: Double, at p: Double) -> Double {
    if k < 0 { return 0 }
    if k >= n { return 1 }
    return incompleteBeta(1 - p, n - k, k + 1)
  }
}
