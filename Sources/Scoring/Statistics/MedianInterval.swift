/// What the same attack came to in several trainings that differ in their seed alone.
///
/// Trainings differ far more than prompts do: an interval over the prompts of one training says nothing
/// of the next. Below six trainings there is no interval of 95 % for anything that another training
/// would share (of five, the least and the greatest hold the median with 93.75 %), so only each rate
/// and their range are given.
package struct TrainingSpread: Codable, Hashable, Sendable {
  /// How many trainings an interval takes.
  package static let fewest = 6

  /// Ascending; each in [0, 1], changes of rates in [−1, 1].
  package var rates: [Double]
  package var median: Double
  /// Least to greatest: what was seen, no confidence attached.
  package var range: ConfidenceInterval
  /// For the median over trainings, on these prompts; nil below six of them.
  package var medianInterval: ConfidenceInterval?

  enum CodingKeys: String, CodingKey {
    case rates, median, range
    case medianInterval = "median_interval"
  }

  /// - Parameter rates: one for each training.
  /// - Returns: nil without any.
  package init?(_ rates: [Double], confidence: Double = 0.95) {
    guard !rates.isEmpty else { return nil }
    let sorted = rates.sorted()
    let middle = sorted.count / 2
    self.rates = sorted
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    range = ConfidenceInterval(lower: sorted[0], upper: sorted[sorted.count - 1])
    medianInterval = Scoring.medianInterval(sorted, confidence: confidence)
  }
}

/// The interval of a median by order statistics (the inverted sign test; W. R. Thompson, 1936): from
/// the k-th least to the k-th greatest of n values, with the greatest k for which
///
///     1 − 2 P(X ≤ k − 1) ≥ confidence,   X ~ Binomial(n, 1/2)
///
/// Exact for independent values of any distribution, ties included (then it covers more).
///
/// - Returns: nil where even the least and the greatest do not reach the confidence.
package func medianInterval(
  _ values: [Double], confidence: Double = 0.95
) -> ConfidenceInterval? {
  precondition(confidence > 0 && confidence < 1)
  let sorted = values.sorted()
  let n = sorted.count
  var (outside, next, depth) = (0.0, 0.0, 0)
  while 2 * (depth + 1) <= n {
    next = outside + Binomial.probability(depth, of: n, at: 0.5)
    if 1 - 2 * next < confidence - 1e-12 { break }
    (outside, depth) = (next, depth + 1)
  }
  guard depth > 0 else { return nil }
  return ConfidenceInterval(lower: sorted[depth - 1], upper: sorted[n - depth])
}
