import Analysis
import Runs
import Scoring
import StudyDesign

extension ReportPage {
  /// What a guard called controversial, neither safe nor unsafe: counted apart, since it depends on the
  /// reader which of the two that is.
  var controversial: [Block] {
    let judge = GuardJudge.name
    let found = Dictionary(
      run.outcomes.byCell.map { cell in
        (cell.cell, cell.compactMap { $0.judgementIfAny(by: judge)?.score })
      }, uniquingKeysWith: { first, _ in first })
    func count(_ scores: [Double], _ score: Double) -> Int { scores.count { $0 == score } }
    let doubtful = GuardJudge.controversialScore
    guard found.values.contains(where: { count($0, doubtful) > 0 }) else { return [] }
    let isLoose = manifest.plan.judges[judge].map(GuardJudge.isLoose) ?? false
    let rows = manifest.plan.cells.compactMap { cell -> [ReportTable.Cell]? in
      guard let scores = found[cell.id], !scores.isEmpty else { return nil }
      return [
        ReportTable.Cell(cell.dataset), ReportTable.Cell(cell.attackLabel),
        ReportTable.Cell(cell.treatment.slug), ReportTable.Cell("\(scores.count)"),
        ReportTable.Cell("\(count(scores, 1))"), ReportTable.Cell("\(count(scores, doubtful))"),
        ReportTable.Cell("\(count(scores, 0))"),
      ]
    }
    return [
      .note([
        .text(
          "What the guard calls controversial counts as \(isLoose ? "safe" : "unsafe") in its rates."
        )
      ]),
      .table(
        ReportTable(
          caption: "Verdicts of the guard",
          columns: [
            .text("dataset"), .text("attack"), .text("model"), .number("replies"),
            .number("unsafe"), .number("controversial"), .number("safe"),
          ],
          rows: rows)),
    ]
  }
}
