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
