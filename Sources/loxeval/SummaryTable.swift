import Evaluation
import Foundation
import Scoring

/// The run's table on stdout.
enum SummaryTable {
  static func render(_ summary: Summary) -> String {
    // A column that says the same everywhere says nothing.
    let hasJudges = Set(summary.rows.map(\.judge)).count > 1
    let header =
      ["dataset"] + (hasJudges ? ["judge"] : [])
      + ["attack", "rank", "alpha", "n", "ASR", "95 % interval", "change"]
    return TextTable.render(
      header,
      summary.rows.map { row in
        [row.dataset] + (hasJudges ? [row.judge] : [])
          + [
            row.attack, row.rank, Number.text(row.alpha), "\(row.n)",
            percent(row.attackSuccessRate),
            row.interval.map { "\(percent($0.lower)) - \(percent($0.upper))" } ?? "",
            row.delta.map { String(format: "%+.1f points", $0 * 100) } ?? "",
          ]
      })
  }

  private static func percent(_ value: Double?) -> String {
    value.map { String(format: "%.1f %%", $0 * 100) } ?? ""
  }
}
