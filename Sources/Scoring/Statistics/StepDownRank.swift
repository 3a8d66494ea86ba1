/// Between which of some models, in ascending order of what they keep, the least lies that is as safe as a
/// reference.
///
/// Two one-sided tests on the same prompts, each from the side on which it must hold, so that neither
/// needs a correction for the number of models (fixed sequences):
/// - *shown worse*: from the least upwards, while the lower limit of the rise over the reference is
///   above 0;
/// - *shown near*: from the greatest downwards, while the upper limit of the rise is below the tolerance.
/// What lies between is open.
package struct StepDownRank: Codable, Hashable, Sendable {
  /// The greatest that is shown to be less safe, with all below it; nil where the least is not.
  package var shownWorse: Int?
  /// The least that is shown to be within the tolerance, with all above it; nil where the greatest is not.
  package var shownNear: Int?
  package var tolerance: Double
  /// Of each one-sided limit.
  package var confidence: Double

  enum CodingKeys: String, CodingKey {
    case tolerance, confidence
    case shownWorse = "shown_worse"
    case shownNear = "shown_near"
  }

  /// - Parameters:
  ///   - models: what each keeps, such as its rank, and the outcomes of its prompts.
  ///   - tolerance: the rise that still counts as none, above 0. One point takes about 300 prompts.
  package init(
    _ models: [(size: Int, outcomes: PromptOutcomes)], reference: PromptOutcomes,
    tolerance: Double, confidence: Double = 0.95
  ) {
    precondition(tolerance > 0 && confidence > 0.5 && confidence < 1)
    self.tolerance = tolerance
    self.confidence = confidence
    let limits = models.sorted { $0.size < $1.size }.map { model in
      let rises = reference.paired(with: model.outcomes).compactMap { pair -> Double? in
        guard let first = pair.first.rate, let second = pair.second.rate else { return nil }
        return second - first
      }
      return (
        model.size,
        guaranteedDifferenceInterval(
          onlyFirst: rises.reduce(0) { $0 + max(0, -$1) },
          onlySecond: rises.reduce(0) { $0 + max(0, $1) }, pairs: Double(rises.count),
          confidence: 2 * confidence - 1)
      )
    }
    shownWorse = limits.prefix { $0.1.map { $0.lower > 0 } ?? false }.last?.0
    shownNear = limits.reversed().prefix { $0.1.map { $0.upper < tolerance } ?? false }.last?.0
  }
}
