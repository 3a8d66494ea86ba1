import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// How far a training must go: the ASR along its steps, for each treatment.
extension ReportPage {
  var severity: [Block] {
    let all = summary.severity ?? []
    guard let first = all.first else { return [] }
    struct Course: Hashable {
      var dataset, training, promptAttack: String
    }
    func course(_ found: Severity) -> Course {
      Course(
        dataset: found.dataset, training: found.training, promptAttack: found.promptAttack)
    }
    let limit = Wording.percent(first.limit)
    return [
      .heading("How many steps it takes"),
      .note([
        .text(
          "The ASR along the steps of one training, step 0 before it. A model counts as broken from the first "
            + "measured step at which its ASR reaches \(limit). In brackets what the 95 % intervals of the single "
            + "steps say: up to which step all of them lie below \(limit), and from which on one lies above. They "
            + "are for these prompts and this training, and steps between those measured are not known."
        )
      ]),
    ]
      + Findings.distinct(all.map(course)).flatMap { key -> [Block] in
        let found = all.filter { course($0) == key }
        return [.chart(chart(found)), .table(table(found))]
      }
  }

  private func name(_ found: Severity) -> String {
    found.treatment.isNone ? findings.defences.undefended : found.treatment.request
  }

  private func title(_ found: [Severity]) -> String {
    guard let first = found.first else { return "" }
    let prompts =
      first.promptAttack == PromptAttack.none.text
      ? "" : ", \(PromptAttack.title(of: first.promptAttack))"
    return "\(first.training)\(prompts) on \(first.dataset)"
  }

  private func chart(_ found: [Severity]) -> ChartFigure {
    ChartFigure(
      id: Self.identifier("severity-\(title(found))"),
      title: "Attack success rate along \(title(found))",
      explanation: "lower is better; bands are 95 % intervals, for this training",
      axis: "steps of the training (0: before it)",
      series: found.enumerated().map { index, found in
        ChartSeries(
          name: name(found), style: index,
          points: found.points.map { point in
            ChartSeries.Point(
              x: Double(point.step), y: point.rate, lower: point.interval.lower,
              upper: point.interval.upper,
              title: "\(name(found)), step \(point.step): \(Wording.percent(point.rate)) "
                + "(\(Self.range(point.interval)))")
          })
      })
  }

  private func table(_ found: [Severity]) -> ReportTable {
    let steps = Set(found.flatMap { $0.points.map(\.step) }).sorted()
    return ReportTable(
      caption:
        "ASR along \(title(found)), with 95 % intervals, and the least number of steps that breaks",
      columns: [.text("treatment")] + steps.map { .number("step \($0)") } + [.text("broken after")],
      rows: found.map { found in
        [ReportTable.Cell(name(found))]
          + steps.map { step in
            found.points.first { $0.step == step }.map {
              ReportTable.Cell(Wording.percent($0.rate), detail: Self.range($0.interval))
            } ?? "–"
          } + [
            ReportTable.Cell(
              found.outcome, detail: found.evidence,
              tone: found.brokenAfter == nil ? .better : nil)
          ]
      }, needsCaption: true)
  }
}
