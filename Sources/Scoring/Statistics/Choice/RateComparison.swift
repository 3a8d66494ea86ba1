import Foundation

/// Two models on the same prompts, or on different ones: how the second's rate differs.
package struct RateComparison: Codable, Hashable, Sendable {
  /// Each in [0, 1].
  package var before: Double
  package var after: Double
  /// after − before, in [−1, 1].
  package var change: Double
  package var interval: ConfidenceInterval
  /// Two-sided.
  package var pValue: Double
  /// Those that both answered; of different prompts the second's.
  package var prompts: Int
  /// nil with several samples a prompt and on different prompts.
  package var pairs: PairedCounts?

  enum CodingKeys: String, CodingKey {
    case before, after, change, interval, prompts, pairs
    case pValue = "p_value"
  }

  /// On the same prompts: mid-p McNemar and Newcombe's paired interval; with several samples a prompt the
  /// sign-flip test and the clustered interval.
  ///
  /// - Returns: nil where no prompt was answered by both.
  package init?(
    of first: PromptOutcomes, and second: PromptOutcomes, confidence: Double = 0.95,
    seed: UInt64 = 0
  ) {
    let pairs = first.paired(with: second)
    guard
      let before = clusteredRate(pairs.map(\.first)),
      let after = clusteredRate(pairs.map(\.second))
    else { return nil }
    let isClustered = pairs.contains { $0.first.trials > 1 || $0.second.trials > 1 }
    let counts = isClustered ? nil : PairedCounts(pairs)
    let interval =
      counts.map { pairedDifferenceInterval($0, confidence: confidence) }
      ?? clusteredDifferenceInterval(pairs, confidence: confidence)
    guard let interval else { return nil }
    (self.before, self.after, change) = (before.rate, after.rate, after.rate - before.rate)
    self.interval = interval
    pValue =
      counts.map { midPMcNemar(onlyFirst: $0.onlyFirst, onlySecond: $0.onlySecond) }
      ?? signFlipTest(
        pairs.map { ($0.second.rate ?? 0) - ($0.first.rate ?? 0) }, seed: seed)
    prompts = pairs.count
    self.pairs = counts
  }

  /// On different prompts: Fisher's mid-p test and Newcombe's interval, at the sizes that clustered
  /// samples are worth.
  ///
  /// - Returns: nil where either has no prompts.
  package init?(
    ofDifferent first: PromptOutcomes, and second: PromptOutcomes, confidence: Double = 0.95
  ) {
    guard let before = clusteredRate(first.all), let after = clusteredRate(second.all) else {
      return nil
    }
    func whole(_ rate: ClusteredRate) -> (successes: Int, trials: Int) {
      let trials = Int(rate.effectiveTrials.rounded(.down))
      return (Int((rate.rate * Double(trials)).rounded()), trials)
    }
    (self.before, self.after, change) = (before.rate, after.rate, after.rate - before.rate)
    interval = newcombeInterval(
      first: (before.rate, before.effectiveTrials), second: (after.rate, after.effectiveTrials),
      confidence: confidence)
    pValue = midPFisher(first: whole(before), second: whole(after))
    prompts = second.count
  }

  /// The prompts that would show the change with a power of 80 % if it came out again; nil where it is
  /// none, or where nothing tells how often the two differ.
  package var needed: Int? {
    guard let pairs, change != 0, pairs.pairs > 0 else { return nil }
    let discordant = Double(pairs.onlyFirst + pairs.onlySecond) / Double(pairs.pairs)
    return sampleSizeOfPairedDifference(
      difference: change, discordant: max(discordant, abs(change)), confidence: 0.975, power: 0.8)
  }
}
