import Analysis
import Foundation
import ModelAccess
import PromptSets
import Runs
import Scoring
import StudyDesign
import Support

/// The run's table on stdout.
enum SummaryTable {
  static func render(_ summary: Summary) -> String {
    // A column that says the same everywhere says nothing.
    let hasJudges = Set(summary.rows.map(\.judge)).count > 1
    let methods = Set(summary.rows.filter { !$0.treatment.isNone }.map(\.treatment.method))
    let hasDefences = methods.count > 1
    let hasErrors = summary.rows.contains { $0.errors > 0 }
    let hasFiltered = summary.rows.contains { $0.filtered > 0 }
    let hasDegenerate = summary.rows.contains { $0.degenerate > 0 }
    let header =
      ["dataset"] + (hasJudges ? ["judge"] : [])
      + ["attack"] + (hasDefences ? ["defence"] : []) + [
        "rank", "alpha", "n", "measure", "rate", "95 % interval", "change",
      ]
      + (hasErrors ? ["errors"] : []) + (hasFiltered ? ["filtered"] : [])
      + (hasDegenerate ? ["degenerate"] : [])
    return TextTable.render(
      header,
      summary.rows.map { row in
        let measured = measure(row, kind: summary.datasets[row.dataset]?.kind)
        return [row.dataset] + (hasJudges ? [row.judge] : [])
          + [row.attack] + (hasDefences ? [row.treatment.method.rawValue] : [])
          + [
            row.rank, Number.text(row.alpha), "\(row.n)", measured.name,
            percent(measured.rate),
            measured.interval.map { "\(percent($0.lower)) - \(percent($0.upper))" } ?? "",
            measured.delta.map { String(format: "%+.1f points", $0 * 100) } ?? "",
          ] + (hasErrors ? ["\(row.errors)"] : [])
          + (hasFiltered ? ["\(row.filtered)"] : [])
          + (hasDegenerate ? ["\(row.degenerate)"] : [])
      })
  }

  /// What a row says of its set: how often harmful prompts are complied with, problems are solved,
  /// harmless prompts are refused.
  private static func measure(
    _ row: SummaryRow, kind: PromptSet.Kind?
  ) -> (name: String, rate: Double?, interval: ConfidenceInterval?, delta: Double?) {
    if kind == .benign, row.overRefusal != nil {
      return ("refused", row.overRefusal, row.overRefusalInterval, row.overRefusalDelta)
    }
    let name = kind != .benign ? "ASR" : row.utility != nil ? "right" : "answered"
    return (name, row.attackSuccessRate, row.interval, row.delta)
  }

  private static func percent(_ value: Double?) -> String {
    value.map { String(format: "%.1f %%", $0 * 100) } ?? ""
  }
}
