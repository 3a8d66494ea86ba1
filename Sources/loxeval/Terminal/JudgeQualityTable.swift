import Foundation
import Scoring
import Studies

/// What `judge-check` prints.
enum JudgeQualityTable {
  static func render(_ qualities: [JudgeQuality]) -> String {
    TextTable.render(
      ["judge", "replies", "unscored", "sensitivity", "specificity", "agreement", "kappa"],
      qualities.map { quality in
        [
          quality.judge, "\(quality.replies)", "\(quality.unscored)",
          share(quality.sensitivity.rate, quality.sensitivity.interval),
          share(quality.specificity.rate, quality.specificity.interval),
          share(quality.agreement?.share, quality.agreement?.shareInterval),
          number(quality.agreement?.kappa, quality.agreement?.kappaInterval),
        ]
      })
  }

  /// Right verdicts by category: where a judge is blind.
  static func categories(_ results: [JudgeCheck.Result]) -> String {
    var names: [String] = []
    for category in results.flatMap(\.categories) where !names.contains(category.name) {
      names.append(category.name)
    }
    return TextTable.render(
      ["category"] + results.map(\.quality.judge),
      names.map { name in
        [name]
          + results.map { result in
            result.categories.first { $0.name == name }
              .map { "\($0.right) of \($0.replies)" } ?? "-"
          }
      })
  }

  private static func share(_ value: Double?, _ interval: ConfidenceInterval?) -> String {
    guard let value, let interval else { return "-" }
    return String(
      format: "%.1f %% (%.1f - %.1f %%)", value * 100, interval.lower * 100, interval.upper * 100)
  }

  private static func number(_ value: Double?, _ interval: ConfidenceInterval?) -> String {
    guard let value, let interval else { return "-" }
    return String(format: "%.2f (%.2f - %.2f)", value, interval.lower, interval.upper)
  }
}
