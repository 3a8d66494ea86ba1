import Foundation
import Scoring
import Support

/// Random numbers of the simulations; every table has a seed of its own.
struct Chance {
  var generator: SplitMix64

  init(_ seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func isHit(_ p: Double) -> Bool { generator.nextUnit() < p }

  mutating func count(_ n: Int, _ p: Double) -> Int { (0..<n).count { _ in isHit(p) } }

  /// Gamma(shape, 1), by G. Marsaglia and W. W. Tsang (2000).
  mutating func gamma(_ shape: Double) -> Double {
    if shape < 1 { return gamma(shape + 1) * pow(1 - generator.nextUnit(), 1 / shape) }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = generator.nextGaussian()
      let v = pow(1 + c * x, 3)
      if v > 0, log(1 - generator.nextUnit()) < x * x / 2 + d - d * v + d * log(v) { return d * v }
    }
  }

  /// Beta with a mean and an intra-class correlation: a prompt's own rate. 0 is the mean itself, 1 is 0
  /// or 1.
  mutating func promptRate(mean: Double, correlation: Double) -> Double {
    if correlation <= 0 { return mean }
    if correlation >= 1 { return isHit(mean) ? 1 : 0 }
    let size = 1 / correlation - 1
    let (a, b) = (gamma(mean * size), gamma((1 - mean) * size))
    return a + b > 0 ? a / (a + b) : (isHit(mean) ? 1 : 0)
  }
}

/// `93.4`
func percent(_ share: Double, _ digits: Int = 1) -> String {
  String(format: "%.\(digits)f", share * 100)
}

/// 0.5 to 50 %, evenly in logits.
let rates: [Double] = (0..<25).map { index in
  let (low, high) = (log(0.005 / 0.995), 0.0)
  let logit = low + (high - low) * Double(index) / 24
  return 1 / (1 + exp(-logit))
}
