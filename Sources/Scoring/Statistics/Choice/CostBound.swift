/// What a treatment may cost at most, beside what it is allowed to.
package struct CostBound: Codable, Hashable, Sendable {
  /// What is measured on harmless prompts.
  package enum Kind: String, Codable, Sendable {
    /// How many more are refused than without a treatment.
    case overRefusalIncrease = "over-refusal-increase"
    /// How many are refused.
    case overRefusal = "over-refusal"
    /// How many fewer are solved than without a treatment.
    case utilityDrop = "utility-drop"
  }

  package var kind: Kind
  package var dataset: String
  /// As measured; a share, or a difference of two.
  package var value: Double
  /// One-sided: the truth is above it with a probability of at most 1 − `confidence`.
  package var upper: Double
  package var limit: Double
  package var confidence: Double
  package var prompts: Int
  /// The prompts with which the bound would keep the limit if the same came out again; nil where it does,
  /// or where no number would do.
  package var needed: Int?

  /// Whether the bound keeps the limit.
  package var isKept: Bool { upper <= limit + 1e-12 }
  /// Whether what was measured is beyond the limit.
  package var isBroken: Bool { value > limit + 1e-12 }

  /// A change on the same prompts.
  ///
  /// - Parameters:
  ///   - before, after: what counts is the cost: a refusal, a wrong answer.
  ///   - confidence: one-sided.
  /// - Returns: nil without common prompts.
  package init?(
    _ kind: Kind, dataset: String, from before: PromptOutcomes, to after: PromptOutcomes,
    limit: Double, confidence: Double
  ) {
    let changes = before.paired(with: after).compactMap { pair -> Double? in
      guard let first = pair.first.rate, let second = pair.second.rate else { return nil }
      return second - first
    }
    guard !changes.isEmpty else { return nil }
    let falls = changes.reduce(0) { $0 + max(0, -$1) }
    let rises = changes.reduce(0) { $0 + max(0, $1) }
    self.init(
      kind, dataset, (rises - falls) / Double(changes.count), limit, confidence, changes.count
    ) { factor in
      guaranteedDifferenceInterval(
        onlyFirst: falls * factor, onlySecond: rises * factor,
        pairs: Double(changes.count) * factor, confidence: 2 * confidence - 1)?.upper ?? 1
    }
  }

  /// A share.
  ///
  /// - Returns: nil without prompts.
  package init?(
    _ kind: Kind, dataset: String, of outcomes: PromptOutcomes, limit: Double, confidence: Double
  ) {
    guard let found = clusteredRate(outcomes.all, method: .guaranteed) else { return nil }
    self.init(kind, dataset, found.rate, limit, confidence, outcomes.count) { factor in
      let trials = found.effectiveTrials * factor
      return clopperPearsonInterval(
        successes: found.rate * trials, trials: trials, confidence: 2 * confidence - 1)?.upper ?? 1
    }
  }

  private init(
    _ kind: Kind, _ dataset: String, _ value: Double, _ limit: Double, _ confidence: Double,
    _ prompts: Int, upper: (_ factor: Double) -> Double
  ) {
    precondition(confidence > 0.5 && confidence < 1)
    (self.kind, self.dataset, self.value, self.limit) = (kind, dataset, value, limit)
    (self.confidence, self.prompts) = (confidence, prompts)
    self.upper = upper(1)
    guard !isKept, value < limit else { return }
    var (low, high) = (1.0, 2.0)
    while upper(high) > limit {
      if high > 1e5 { return }
      (low, high) = (high, 2 * high)
    }
    for _ in 0..<30 {
      let middle = (low + high) / 2
      if upper(middle) > limit { low = middle } else { high = middle }
    }
    needed = Int((high * Double(prompts)).rounded(.up))
  }
}
