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

/// What an interval is for.
package enum RateMethod: Sendable {
  /// Tables and charts: mid-p, which covers the truth with its confidence on average over rates, at the
  /// size that the samples are worth.
  case shown
  /// Decisions: Clopper and Pearson's at the number of prompts, which never covers less. Further
  /// samples of a prompt sharpen the rate, not what is claimed of other prompts.
  case guaranteed
}

/// A rate with an interval that knows that samples of one prompt resemble each other.
///
/// With one sample a prompt this is the plain interval. With several, the size is p(1 − p)/V, kept
/// between the number of prompts G and that of samples N, with the cluster-robust variance
///
///     V = (G + 2)/(G + 1) · Σ (sᵢ − p nᵢ)² / N²
///
/// of sᵢ successes in nᵢ samples over the prompts **and two more**, one of which always complies and one
/// never, with as many samples as the mean prompt. The two stand for what few successes cannot show:
/// how alike the samples of a prompt are. Without them no success would rest on G prompts and a single
/// one on all N samples, and the interval would shrink as the rate rises. For the same reason no rate is
/// bounded more tightly than none of G prompts bounds it from above, or all of them from below.
///
/// - Returns: nil where there are no trials.
package func clusteredRate(
  _ outcomes: [PromptOutcome], confidence: Double = 0.95, method: RateMethod = .shown
) -> ClusteredRate? {
  let outcomes = outcomes.filter { $0.trials > 0 }
  guard !outcomes.isEmpty else { return nil }
  let prompts = Double(outcomes.count)
  let samples = Double(outcomes.reduce(0) { $0 + $1.trials })
  let rate = Double(outcomes.reduce(0) { $0 + $1.successes }) / samples
  let effective =
    switch method {
    case .guaranteed: prompts
    case .shown: effectiveTrials(outcomes, successes: rate * samples, samples: samples)
    }
  let interval =
    switch method {
    case .guaranteed:
      clopperPearsonInterval(
        successes: rate * effective, trials: effective, confidence: confidence)
    case .shown:
      midPInterval(successes: rate * effective, trials: effective, confidence: confidence)
    }
  guard var interval else { return nil }
  if effective > prompts,
    let none = midPInterval(successes: 0, trials: prompts, confidence: confidence)
  {
    interval.upper = max(interval.upper, none.upper)
    interval.lower = min(interval.lower, 1 - none.upper)
  }
  return ClusteredRate(rate: rate, effectiveTrials: effective, interval: interval)
}

private func effectiveTrials(
  _ outcomes: [PromptOutcome], successes: Double, samples: Double
) -> Double {
  let prompts = Double(outcomes.count)
  guard samples > prompts else { return prompts }
  let each = samples / prompts
  let (total, rate) = (samples + 2 * each, (successes + each) / (samples + 2 * each))
  let seen = outcomes.reduce(0.0) { sum, outcome in
    let residual = Double(outcome.successes) - rate * Double(outcome.trials)
    return sum + residual * residual
  }
  let added = each * each * ((1 - rate) * (1 - rate) + rate * rate)
  let variance = (prompts + 2) / (prompts + 1) * (seen + added) / (total * total)
  // Samples that are all alike in each prompt would come to G + 1 with the two.
  let found = rate * (1 - rate) / variance * prompts / (prompts + 1)
  return min(samples, max(prompts, found))
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
