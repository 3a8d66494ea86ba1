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
    let hasUnanswered = summary.rows.contains { $0.unanswered > 0 }
    let hasFiltered = summary.rows.contains { $0.filtered > 0 }
    let hasDegenerate = summary.rows.contains { $0.degenerate > 0 }
    let rungs = Findings.distinct(summary.rows.flatMap { ($0.ladder ?? []).map(\.judge) })
    let header =
      ["dataset"] + (hasJudges ? ["judge"] : [])
      + ["attack"] + (hasDefences ? ["defence"] : []) + [
        "rank", "alpha", "n", "measure", "rate", "95 % interval", "change",
      ] + rungs
      + (hasErrors ? ["errors"] : []) + (hasUnanswered ? ["no answer"] : [])
      + (hasFiltered ? ["filtered"] : [])
      + (hasDegenerate ? ["degenerate"] : [])
    let rows = summary.rows.map { row -> [String] in
      let measured = measure(row, kind: summary.datasets[row.dataset]?.kind)
      var cells = [row.dataset]
      if hasJudges { cells.append(row.judge) }
      cells.append(row.attackLabel)
      if hasDefences { cells.append(name(row.treatment)) }
      cells += [
        row.rank, Number.text(row.alpha), "\(row.n)", measured.name, percent(measured.rate),
        measured.interval.map { "\(percent($0.lower)) - \(percent($0.upper))" } ?? "",
        measured.delta.map { String(format: "%+.1f points", $0 * 100) } ?? "",
      ]
      cells += rungs.map { percent(row.rung($0)?.rate) }
      if hasErrors { cells.append("\(row.errors)") }
      if hasUnanswered { cells.append("\(row.unanswered)") }
      if hasFiltered { cells.append("\(row.filtered)") }
      if hasDegenerate { cells.append("\(row.degenerate)") }
      return cells
    }
    let table = TextTable.render(header, rows)
    return ([table] + legend(summary, rungs)).joined(separator: "\n")
  }

  /// What the columns count and what their intervals hold for.
  private static func legend(_ summary: Summary, _ rungs: [String]) -> [String] {
    let harmful = summary.rows.filter { summary.datasets[$0.dataset]?.kind != .benign }
    var lines = Findings.distinct(harmful.filter(summary.isLeading).map(\.judge)).map {
      JudgeWording.caption($0)
    }
    if !rungs.isEmpty {
      lines.append(
        rungs.map { "\($0): \(JudgeWording.rung($0))" }.joined(separator: "; "))
    }
    if summary.rows.contains(where: \.isTrained) {
      lines.append(
        "intervals under an attack are for the trainings measured, not for further seeds")
    }
    return lines
  }

  /// What tells a defence from the others, but for rank and strength, which have columns of their own.
  private static func name(_ treatment: Treatment) -> String {
    let parameters = treatment.parameters.filter { $0.key != "rank" }
    return treatment.method.rawValue + (parameters.isEmpty ? "" : " \(parameters.text)")
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
