/// A rate where some replies are in doubt (degenerate, filtered, without an answer, unscored): what it
/// can be if all of them counted for the model, and if all of them counted against it.
///
/// The interval reaches from the lower limit of the lower rate to the upper limit of the higher one, so
/// that it holds the truth with its confidence **whatever** the doubtful replies would have been. A
/// model cannot lower it by not answering.
package struct WorstCaseRate: Codable, Hashable, Sendable {
  /// None of the doubtful counted.
  package var lowest: Double
  /// All of the doubtful counted.
  package var highest: Double
  package var interval: ConfidenceInterval

  /// - Parameters:
  ///   - outcomes: each prompt's; `successes` are certain, `trials` all that was asked.
  ///   - doubtful: of each prompt, replies in doubt; none of them among the successes.
  ///   - method: ``RateMethod/shown`` for tables, ``RateMethod/guaranteed`` for decisions.
  /// - Returns: nil where nothing was asked.
  package init?(
    _ outcomes: [PromptOutcome], doubtful: [Int], confidence: Double = 0.95,
    method: RateMethod = .shown
  ) {
    precondition(
      outcomes.count == doubtful.count
        && zip(outcomes, doubtful).allSatisfy { $1 >= 0 && $0.successes + $1 <= $0.trials })
    let against = zip(outcomes, doubtful).map {
      PromptOutcome(successes: $0.successes + $1, trials: $0.trials)
    }
    guard
      let low = clusteredRate(outcomes, confidence: confidence, method: method),
      let high = clusteredRate(against, confidence: confidence, method: method)
    else { return nil }
    lowest = low.rate
    highest = high.rate
    interval = ConfidenceInterval(lower: low.interval.lower, upper: high.interval.upper)
  }
}
