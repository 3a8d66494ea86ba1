import Support

/// Agreement of two raters on several replies to each prompt: the point estimates of
/// ``agreement(_:confidence:)``, with intervals that know that replies to one prompt resemble each other.
///
/// The share's interval is that of a clustered rate. κ's is the percentile bootstrap over prompts (B.
/// Efron, 1979): prompts are drawn with replacement, all replies to one together. Where no two verdicts
/// differ, no drawing does; the lower limit is then κ at the lower limit of the share.
///
/// - Parameters:
///   - tables: of each prompt, as of ``agreement(_:confidence:)``, all of one size.
///   - resamples: 2,000 place a 95 % limit to within about 4 % of the interval's width.
///   - seed: equal seeds give equal intervals.
/// - Returns: nil without replies.
package func agreement(
  byPrompt tables: [[[Int]]], confidence: Double = 0.95, resamples: Int = 2_000, seed: UInt64 = 0
) -> Agreement? {
  let tables = tables.filter { !$0.joined().allSatisfy { $0 == 0 } }
  guard let first = tables.first else { return nil }
  precondition(tables.allSatisfy { $0.count == first.count })
  let size = first.count
  let flat = tables.map { $0.flatMap { $0 } }
  func total(_ chosen: some Sequence<[Int]>) -> [Int] {
    chosen.reduce(into: [Int](repeating: 0, count: size * size)) { sum, table in
      for index in sum.indices { sum[index] += table[index] }
    }
  }
  let all = total(flat)
  let square = (0..<size).map { Array(all[$0 * size..<($0 + 1) * size]) }
  guard var result = agreement(square, confidence: confidence) else { return nil }
  let shares = tables.map { table in
    PromptOutcome(
      successes: table.indices.reduce(0) { $0 + table[$1][$1] },
      trials: table.joined().reduce(0, +))
  }
  if let share = clusteredRate(shares, confidence: confidence) {
    result.shareInterval = share.interval
  }
  guard let kappa = result.kappa else { return result }
  var generator = SplitMix64(seed: seed)
  var found: [Double] = []
  found.reserveCapacity(resamples)
  for _ in 0..<resamples {
    var sum = [Int](repeating: 0, count: size * size)
    for _ in flat.indices {
      let table = flat[Int(generator.next().multipliedFullWidth(by: UInt64(flat.count)).high)]
      for index in sum.indices { sum[index] += table[index] }
    }
    if let value = cohenKappa(sum, size: size) { found.append(value) }
  }
  guard !found.isEmpty else { return result }
  found.sort()
  var interval = ConfidenceInterval(
    lower: quantile((1 - confidence) / 2, ofSorted: found),
    upper: quantile((1 + confidence) / 2, ofSorted: found))
  if result.share == 1 {
    let chance = expectedAgreement(all, size: size)
    interval.lower = max(-1, (result.shareInterval.lower - chance) / (1 - chance))
  }
  interval = ConfidenceInterval(
    lower: min(interval.lower, kappa), upper: max(interval.upper, kappa))
  result.kappaInterval = interval
  return result
}

/// The share on which raters with these margins agree by chance.
private func expectedAgreement(_ table: [Int], size: Int) -> Double {
  let n = Double(table.reduce(0, +))
  return (0..<size).reduce(0) { sum, k in
    let row = (0..<size).reduce(0) { $0 + table[k * size + $1] }
    let column = (0..<size).reduce(0) { $0 + table[$1 * size + k] }
    return sum + Double(row) / n * Double(column) / n
  }
}

/// nil where chance alone would agree as well.
private func cohenKappa(_ table: [Int], size: Int) -> Double? {
  let n = Double(table.reduce(0, +))
  let same = Double((0..<size).reduce(0) { $0 + table[$1 * size + $1] })
  let chance = expectedAgreement(table, size: size)
  return chance < 1 - 1e-12 ? (same / n - chance) / (1 - chance) : nil
}
