/// Limits of a paired difference, `second − first`, that hold at small counts: with b of n prompts on
/// which only the first complied, c on which only the second did, and Clopper and Pearson's limits l
/// and u of each share ("square and add", G. Y. Zou and A. Donner, 2008),
///
///     upper = d + √((u_c − c)² + (b − l_b)² − 2ρ (u_c − c)(b − l_b)),   d = c − b,
///
/// the lower limit likewise, and ρ = −√(b c / ((1 − b)(1 − c))) the correlation of two shares of one
/// multinomial. Only prompts on which the two models differ widen it: of n unchanged prompts it is ± the
/// upper limit of 0 of n.
///
/// For decisions: each limit alone is a one-sided one of (1 + confidence)/2, and by enumeration fails no
/// more often (docs/statistics.md); of Newcombe's, which tables show, one fails up to twice as often.
///
/// - Returns: nil where there are no pairs.
package func guaranteedDifferenceInterval(
  _ counts: PairedCounts, confidence: Double = 0.95
) -> ConfidenceInterval? {
  guaranteedDifferenceInterval(
    onlyFirst: Double(counts.onlyFirst), onlySecond: Double(counts.onlySecond),
    pairs: Double(counts.pairs), confidence: confidence)
}

/// The same for counts that need not be whole: prompts of several samples each, of which b and c are the
/// sums of each prompt's decrease and increase.
package func guaranteedDifferenceInterval(
  onlyFirst: Double, onlySecond: Double, pairs: Double, confidence: Double = 0.95
) -> ConfidenceInterval? {
  precondition(onlyFirst >= 0 && onlySecond >= 0 && onlyFirst + onlySecond <= pairs + 1e-9)
  func part(_ count: Double) -> (rate: Double, interval: ConfidenceInterval)? {
    clopperPearsonInterval(successes: count, trials: pairs, confidence: confidence)
      .map { (count / pairs, $0) }
  }
  guard let first = part(onlyFirst), let second = part(onlySecond) else { return nil }
  return guaranteedDifferenceInterval(first, second)
}

/// The same from each share's limits.
func guaranteedDifferenceInterval(
  _ first: (rate: Double, interval: ConfidenceInterval),
  _ second: (rate: Double, interval: ConfidenceInterval)
) -> ConfidenceInterval {
  let rest = (1 - first.rate) * (1 - second.rate)
  return differenceInterval(
    first: first, second: second,
    // Where every prompt differs one way, the other share is empty and there is nothing to correlate.
    correlation: rest > 0 ? -(first.rate * second.rate / rest).squareRoot() : 0)
}
