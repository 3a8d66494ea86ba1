import Foundation

/// The power of a limit on a change on the same prompts that is decided once, by
/// ``guaranteedDifferenceInterval(onlyFirst:onlySecond:pairs:confidence:)``: the probability that the
/// interval lies wholly on the change's side of the limit, over all numbers of falls and rises (of
/// prompts with one sample each, three outcomes in independent trials).
///
/// - Parameters:
///   - falls, rises: true shares of the prompts on which only the first complied, and only the second.
///   - limit: of rises − falls.
package func pairedPower(
  falls: Double, rises: Double, limit: Double, prompts: Int, confidence: Double = 0.95
) -> Double {
  precondition(prompts > 0 && falls >= 0 && rises >= 0 && falls + rises <= 1)
  let change = rises - falls
  var power = 0.0
  var known: [Int: ConfidenceInterval] = [:]
  func part(_ count: Int) -> (rate: Double, interval: ConfidenceInterval) {
    let interval =
      known[count]
      ?? clopperPearsonInterval(
        successes: Double(count), trials: Double(prompts), confidence: confidence)
      ?? ConfidenceInterval(lower: 0, upper: 1)
    known[count] = interval
    return (Double(count) / Double(prompts), interval)
  }
  let ofRises = likely(prompts, rises)
  for up in ofRises {
    let weight = Binomial.probability(up, of: prompts, at: rises)
    let rest = prompts - up
    let share = rises < 1 ? min(1, falls / (1 - rises)) : 0
    for down in likely(rest, share) {
      let probability = weight * Binomial.probability(down, of: rest, at: share)
      if probability < 1e-9 { continue }
      let found = guaranteedDifferenceInterval(part(down), part(up))
      if change < limit ? found.upper <= limit : found.lower > limit { power += probability }
    }
  }
  return min(1, power)
}

/// The counts within five deviations and two of the mean.
private func likely(_ trials: Int, _ rate: Double) -> ClosedRange<Int> {
  let mean = Double(trials) * rate
  let width = 5 * (mean * (1 - rate)).squareRoot() + 2
  let low = rate == 0 ? 0 : max(0, Int(mean - width))
  return low...(rate == 0 ? 0 : min(trials, Int(mean + width)))
}

/// The pairs of prompts with which a limit on a change is decided rightly with some power.
///
/// - Returns: to about a hundredth; nil where `most` does not do, or change and limit are equal.
package func pairedSampleSize(
  falls: Double, rises: Double, limit: Double, power: Double = 0.8, confidence: Double = 0.95,
  most: Int = 20_000
) -> Int? {
  guard rises - falls != limit else { return nil }
  return leastSampleSize(most: most) { prompts in
    pairedPower(
      falls: falls, rises: rises, limit: limit, prompts: prompts, confidence: confidence) >= power
  }
}
