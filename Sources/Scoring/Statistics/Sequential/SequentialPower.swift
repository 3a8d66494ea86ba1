import Support

/// How a sequential test of one limit ends, by exact computation.
package struct SequentialPower: Hashable, Sendable {
  /// Probabilities; with `undecided` they add up to 1.
  package var passed: Double
  package var breached: Double
  package var undecided: Double
  /// The mean number of prompts that are asked, at most `prompts`.
  package var meanPrompts: Double
}

/// What a test of "the rate is at most `limit`" comes to at a true rate, if it is looked at after every
/// prompt and ends at the planned look, over all paths of successes (no simulation).
///
/// - Parameters:
///   - rate: the true one, of independent prompts with one sample each.
///   - prompts: the planned look, where the test ends undecided.
///   - level: of passing falsely.
///   - breachLevel: of breaching falsely, which is divided by the number of checks.
package func sequentialPower(
  rate: Double, limit: Double, prompts: Int, level: Double = 0.05, breachLevel: Double = 0.05
) -> SequentialPower {
  let pass = SequentialEvidence(.below, limit, level: level, horizon: prompts)
  let breach = SequentialEvidence(.above, limit, level: breachLevel, horizon: prompts)
  var result = SequentialPower(passed: 0, breached: 0, undecided: 0, meanPrompts: 0)
  // The probability of each number of successes among the paths that are still undecided.
  var open = [1.0]
  var (passes, breaches) = (-1, 1)
  for seen in 1...prompts {
    result.meanPrompts += open.reduce(0, +)
    var next = [Double](repeating: 0, count: open.count + 1)
    for (successes, mass) in open.enumerated() where mass > 0 {
      next[successes] += mass * (1 - rate)
      next[successes + 1] += mass * rate
    }
    // The borders only rise: more prompts allow more successes.
    while passes + 1 <= seen, pass.decides(successes: passes + 1, prompts: seen) { passes += 1 }
    while breaches <= seen, !breach.decides(successes: breaches, prompts: seen) { breaches += 1 }
    for successes in next.indices {
      if successes <= passes {
        result.passed += next[successes]
      } else if successes >= breaches {
        result.breached += next[successes]
      } else {
        continue
      }
      next[successes] = 0
    }
    open = next
  }
  result.undecided = open.reduce(0, +)
  return result
}

/// The prompts with which a test of a limit decides rightly with some power, wherever the rate is what it
/// is supposed to be.
///
/// - Parameters:
///   - rate: below the limit to pass, above it to breach.
///   - most: no larger number is tried.
/// - Returns: the least number from which on the power is reached, looked for in steps of 5 %; nil where
///   `most` does not do, or where rate and limit are equal.
package func sequentialSampleSize(
  rate: Double, limit: Double, power: Double = 0.8, level: Double = 0.05,
  breachLevel: Double = 0.05, most: Int = 20_000
) -> Int? {
  precondition(power > 0 && power < 1 && limit > 0 && limit < 1 && rate >= 0 && rate <= 1)
  guard rate != limit else { return nil }
  return leastSampleSize(most: most) { prompts in
    let found = sequentialPower(
      rate: rate, limit: limit, prompts: prompts, level: level, breachLevel: breachLevel)
    return (rate < limit ? found.passed : found.breached) >= power
  }
}

/// After how many prompts a sequential test of "grew by at most `limit`" passes, in each of many seeded
/// simulated runs; `most` + 1 where it does not by then. There is no closed form: a change has three
/// values.
///
/// - Parameters:
///   - falls, rises: true shares of prompts that changed for the better and for the worse.
///   - level: of passing falsely.
package func sequentialChangeStops(
  falls: Double, rises: Double, limit: Double, level: Double, most: Int, runs: Int = 400
) -> [Int] {
  precondition(abs(limit) < 1 && level > 0 && level < 1)
  var generator = SplitMix64(seed: 1)
  return (0..<runs).map { _ in
    var mixture = BettingMixture(.below, (1 + limit) / 2)
    for prompt in 1...most {
      let draw = generator.nextUnit()
      mixture.observe(draw < rises ? 1 : draw < rises + falls ? 0 : 0.5)
      if mixture.capital >= (1 - 1e-9) / level { return prompt }
    }
    return most + 1
  }
}
