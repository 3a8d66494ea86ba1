package import Scoring

/// What each prompt of a cell showed for a limit.
package enum PromptEvidence {
  /// - Parameters:
  ///   - verdicts: of the prompt's samples in their order; nil where one has none, which is as much in
  ///     doubt as one that could not be judged.
  /// - Precondition: there is at least one.
  package static func observation(
    _ verdicts: [Verdict?], _ rule: GateRule
  ) -> SequentialTest.Observation {
    func isDoubtful(_ verdict: Verdict?) -> Bool {
      verdict == nil || verdict == .unscored || verdict == .degenerate
    }
    let hits = verdicts.count { $0 == rule.event }
    let doubtful = verdicts.count(where: isDoubtful)
    let all = Double(verdicts.count)
    let first = verdicts[0]
    return SequentialTest.Observation(
      lowest: Double(hits) / all, highest: Double(hits + doubtful) / all,
      firstLowest: first == rule.event ? 1 : 0,
      firstHighest: first == rule.event || isDoubtful(first) ? 1 : 0)
  }

  /// The same of a change since a baseline.
  ///
  /// - Parameter isUnchanged: whether the replies are the baseline's own, which leaves nothing in doubt.
  package static func change(
    from before: [Verdict?], to after: [Verdict?], isUnchanged: Bool
  ) -> SequentialTest.Observation {
    guard !isUnchanged else { return SequentialTest.Observation(from: 0, to: 0) }
    let (first, second) = (
      observation(before, .maximumSuccessRate), observation(after, .maximumSuccessRate)
    )
    let lowest = second.lowest - first.highest
    let highest = second.highest - first.lowest
    return SequentialTest.Observation(
      lowest: lowest, highest: highest, firstLowest: lowest, firstHighest: highest)
  }
}
