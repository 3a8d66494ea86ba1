import Evaluation
import Foundation
import Scoring

/// The run's table on stdout.
enum SummaryTable {
  static func render(_ summary: Summary) -> String {
    let header = ["dataset", "attack", "rank", "alpha", "n", "ASR", "95 % interval", "change"]
    let rows = summary.rows.map { row in
      [
        row.dataset, row.attack, row.rank, Number.text(row.alpha), "\(row.n)",
        percent(row.attackSuccessRate),
        row.interval.map { "\(percent($0.lower)) - \(percent($0.upper))" } ?? "",
        row.delta.map { String(format: "%+.1f points", $0 * 100) } ?? "",
      ]
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max()! }
    return ([header] + rows).map { cells in
      zip(cells, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
        .joined(separator: "  ")
    }.joined(separator: "\n")
  }

  private static func percent(_ value: Double?) -> String {
    value.map { String(format: "%.1f %%", $0 * 100) } ?? ""
  }
}
