/// A cell of a run with what is known of its replies: of those that a person labelled the label and the
/// judge's word, of the others the judge's word alone.
package struct LabelledCell: Hashable, Sendable {
  /// Labelled as complied, and called so by the judge; not called so.
  package var hits: Double
  package var misses: Double
  /// Labelled otherwise, and called complied by the judge; not called so.
  package var alarms: Double
  package var rejections: Double
  /// Without a label: called complied; not called so.
  package var called: Double
  package var uncalled: Double

  /// - Parameters: counts of replies; those of cells whose prompts were sampled several times scaled down
  ///   to what they are worth (``ClusteredRate/effectiveTrials``).
  package init(
    hits: Double = 0, misses: Double = 0, alarms: Double = 0, rejections: Double = 0,
    called: Double = 0, uncalled: Double = 0
  ) {
    (self.hits, self.misses, self.alarms, self.rejections) = (hits, misses, alarms, rejections)
    (self.called, self.uncalled) = (called, uncalled)
  }

  package var labels: Double { hits + misses + alarms + rejections }
  package var replies: Double { labels + called + uncalled }
}

/// A rate that was corrected for a judge's mistakes.
package struct CorrectedRate: Codable, Hashable, Sendable {
  package var rate: Double
  package var interval: ConfidenceInterval

  package init(rate: Double, interval: ConfidenceInterval) {
    self.rate = rate
    self.interval = interval
  }
}

/// Why a rate is not corrected.
package enum CorrectionRefusal: Error, Equatable, CustomStringConvertible {
  case tooFewLabels(Int, needed: Int)
  case noBetterThanChance(sensitivity: Double, specificity: Double)
  case unlike(pValue: Double)
  case nothingJudged

  package var description: String {
    func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
    return switch self {
    case .tooFewLabels(let found, let needed):
      "\(found) replies of these cells are labelled and at least \(needed) are needed to tell how "
        + "the judge errs on them; label more of this run's replies, with a larger --sample"
    case .noBetterThanChance(let sensitivity, let specificity):
      "on the labelled replies the judge finds \(percent(sensitivity)) of those that comply and calls "
        + "\(percent(1 - specificity)) of the others so: no better than chance, and nothing can be "
        + "corrected by it; use another judge"
    case .unlike(let pValue):
      "the judge errs otherwise in some of these cells than in others (p "
        + (pValue < 1e-4 ? "< 0.0001" : "= \((pValue * 1e4).rounded() / 1e4)")
        + "), so that they are no group that errs alike: label at least \(fewestLabels) replies of each "
        + "cell, with a larger --sample"
    case .nothingJudged: "no reply of these cells was judged"
    }
  }
}
