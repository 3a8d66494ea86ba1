/// The exact power of a limit that is decided once, by Clopper and Pearson's limits: the probability that
/// the interval of so many prompts lies wholly on the rate's side of it.
///
/// - Parameters:
///   - rate: the true one; below the limit it asks how often "at most" passes, above it how often it
///     breaches.
///   - confidence: of the two-sided interval.
package func fixedPower(
  rate: Double, limit: Double, prompts: Int, confidence: Double = 0.95
) -> Double {
  precondition(prompts > 0 && confidence > 0 && confidence < 1)
  let share = (1 - confidence) / 2
  // The border by the tails themselves: the interval is beyond the limit where they are at most `share`.
  var (border, size) = (rate < limit ? -1 : prompts + 1, 0.0)
  let step = rate < limit ? 1 : -1
  while true {
    let next = border + step
    guard (0...prompts).contains(next) else { break }
    size += Binomial.probability(next, of: prompts, at: limit)
    if size > share { break }
    border = next
  }
  let decided = rate < limit ? Array(0..<(border + 1)) : Array(border..<(prompts + 1))
  return min(1, decided.reduce(0) { $0 + Binomial.probability($1, of: prompts, at: rate) })
}

/// The prompts with which a limit that is decided once is decided rightly with some power; see
/// ``fixedPower(rate:limit:prompts:confidence:)``.
///
/// - Returns: the least number from which on no smaller power occurs among the next tenth of numbers (the
///   power of an exact test is a saw); nil where `most` does not do, or rate and limit are equal.
package func fixedSampleSize(
  rate: Double, limit: Double, power: Double = 0.8, confidence: Double = 0.95, most: Int = 20_000
) -> Int? {
  precondition(power > 0 && power < 1)
  guard rate != limit else { return nil }
  func isEnough(_ prompts: Int) -> Bool {
    fixedPower(rate: rate, limit: limit, prompts: prompts, confidence: confidence) >= power
  }
  var start = 1
  while start <= most {
    guard let last = (start...(start + start / 10)).last(where: { !isEnough($0) }) else {
      return start
    }
    start = last + 1
  }
  return nil
}
