import Foundation

/// z with Φ(z) = p, by bisection on the complementary error function.
///
/// - Precondition: 0 < p < 1.
package func normalQuantile(_ p: Double) -> Double {
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

/// t with P(T ≤ t) = p of Student's distribution, by bisection on the incomplete beta function: for
/// t > 0, P(T > t) = I_x(ν/2, 1/2) / 2 with x = ν / (ν + t²).
///
/// - Parameter freedom: ν, above 0; need not be whole.
/// - Precondition: 0 < p < 1.
package func studentQuantile(_ p: Double, freedom: Double) -> Double {
  precondition(p > 0 && p < 1 && freedom > 0)
  if p == 0.5 { return 0 }
  if p < 0.5 { return -studentQuantile(1 - p, freedom: freedom) }
  let x = bisection { incompleteBeta($0, freedom / 2, 0.5) / 2 < 1 - p }
  return (freedom * (1 - x) / x).squareRoot()
}
