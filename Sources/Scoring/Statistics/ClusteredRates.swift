/// What several samples of one prompt came to.
package struct PromptOutcome: Codable, Hashable, Sendable {
  package var successes: Int
  /// Samples with a usable verdict.
  package var trials: Int

  package init(successes: Int, trials: Int) {
    self.successes = successes
    self.trials = trials
  }

  package var rate: Double? { trials > 0 ? Double(successes) / Double(trials) : nil }
}

/// A rate over prompts that were sampled several times each.
package struct ClusteredRate: Codable, Hashable, Sendable {
  package var rate: Double
  /// How many independent samples the clustered ones are worth: between the number of prompts and
  /// that of samples.
  package var effectiveTrials: Double
  package var interval: ConfidenceInterval
}

/// A rate with an interval that knows that samples of one prompt resemble each other.
///
/// The variance is the cluster-robust one, with G prompts, sᵢ successes in nᵢ samples and N = Σnᵢ,
///
///     V = G/(G − 1) · Σ (sᵢ − p nᵢ)² / N²
///
/// and the interval is Wilson's at the effective size p(1 − p)/V, kept between G and N: below G
/// would mean that a prompt is worth less than one sample, above N that repetition informs more
/// than new prompts. Where V cannot be had (one prompt, or all samples alike) the size is G, the
/// cautious end. With one sample a prompt this is Wilson's interval itself.
///
/// - Returns: nil where there are no trials.
package func clusteredRate(
  _ outcomes: [PromptOutcome], confidence: Double = 0.95
) -> ClusteredRate? {
  let outcomes = outcomes.filter { $0.trials > 0 }
  guard !outcomes.isEmpty else { return nil }
  let prompts = Double(outcomes.count)
  let samples = Double(outcomes.reduce(0) { $0 + $1.trials })
  let rate = Double(outcomes.reduce(0) { $0 + $1.successes }) / samples
  let squares = outcomes.reduce(0.0) { sum, outcome in
    let residual = Double(outcome.successes) - rate * Double(outcome.trials)
    return sum + residual * residual
  }
  var effective = prompts
  if outcomes.count > 1, squares > 0 {
    let variance = prompts / (prompts - 1) * squares / (samples * samples)
    effective = min(samples, max(prompts, rate * (1 - rate) / variance))
  }
  return ClusteredRate(
    rate: rate, effectiveTrials: effective,
    interval: wilsonInterval(rate: rate, trials: effective, confidence: confidence))
}

/// The interval of the difference of two clustered rates on the same prompts, `second − first`:
/// Newcombe's paired method with each rate's clustered interval, and the correlation of the rates
/// over prompts.
///
/// - Parameter pairs: the two models' outcomes on each prompt.
/// - Returns: nil where no prompt has trials of both.
package func clusteredDifferenceInterval(
  _ pairs: [(first: PromptOutcome, second: PromptOutcome)], confidence: Double = 0.95
) -> ConfidenceInterval? {
  let pairs = pairs.filter { $0.first.trials > 0 && $0.second.trials > 0 }
  guard
    let first = clusteredRate(pairs.map(\.first), confidence: confidence),
    let second = clusteredRate(pairs.map(\.second), confidence: confidence)
  else { return nil }
  return differenceInterval(
    first: (first.rate, first.interval), second: (second.rate, second.interval),
    correlation: correlation(
      pairs.map { $0.first.rate ?? 0 }, pairs.map { $0.second.rate ?? 0 }))
}

/// Pearson's correlation; 0 where one side does not vary.
func correlation(_ first: [Double], _ second: [Double]) -> Double {
  let n = Double(first.count)
  let (meanFirst, meanSecond) = (first.reduce(0, +) / n, second.reduce(0, +) / n)
  var (products, squaresFirst, squaresSecond) = (0.0, 0.0, 0.0)
  for (a, b) in zip(first, second) {
    products += (a - meanFirst) * (b - meanSecond)
    squaresFirst += (a - meanFirst) * (a - meanFirst)
    squaresSecond += (b - meanSecond) * (b - meanSecond)
  }
  guard squaresFirst > 0, squaresSecond > 0 else { return 0 }
  return max(-1, min(1, products / (squaresFirst * squaresSecond).squareRoot()))
}
