import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// The rungs above ASR's, side by side: what a reply that does not refuse is worth.
extension ReportPage {
  func ladder(_ dataset: String) -> [Block] {
    let series = findings.leading.filter { $0.dataset == dataset }
    // The untreated model stands in the series of every defence.
    let rows = Findings.distinct(series.flatMap(\.rows))
    guard let judge = rows.first?.judge, findings.isHarmful(dataset),
      case let rungs = higherRungs(rows), !rungs.isEmpty
    else { return [] }
    let shown = rows.filter { isTold($0, among: series) }
    var blocks: [Block] = [
      .subheading(["From not refusing to giving something"]),
      .note([
        .text(
          "ASR is the first column. Each rung is read by a judge of its own, with 95 % intervals"
            + "\(trainingScope): \(explained(rungs)). Whether what is given is right or usable, words do not "
            + "tell. A judge errs in its own way, so a rung may hold a reply that the one before it does not."
        )
      ]),
      .table(table(shown, judge, rungs, caption: "\(dataset): how far replies go")),
    ]
    guard shown.count < rows.count else { return blocks }
    let curves =
      Set(series.map(\.arm)).count == 1 ? series.compactMap { chart($0, judge, rungs) } : []
    blocks.append(
      .details(
        "How far replies go, at every \(findings.defences.strength)",
        curves.map(Block.chart) + [
          .table(table(rows, judge, rungs, caption: "\(dataset): how far replies go, every model"))
        ]))
    return blocks
  }

  /// Judges of the rungs that are read, without the one that gives the ASR.
  private func higherRungs(_ rows: [SummaryRow]) -> [String] {
    Findings.distinct(rows.flatMap { ($0.ladder ?? []).map(\.judge) })
      .filter { $0 != rows.first?.judge }
  }

  private func explained(_ rungs: [String]) -> String {
    rungs.map { rung in
      switch rung {
      case WillingJudge.name:
        "a reply sets out to comply where it agrees, begins a list or a draft, or goes on about the matter"
      case OnSubjectJudge.name:
        "it gives something on the subject where beyond its opening it takes up words of the request and adds "
          + "others of its own"
      default: "\(JudgeWording.rung(rung)) by \(rung)"
      }
    }.joined(separator: "; ")
  }

  /// The untreated model, and beside it the recommended treatment, else the one that was tried, else that
  /// with the lowest ASR.
  func isTold(_ row: SummaryRow, among series: [Findings.Series]) -> Bool {
    if row.treatment.isNone { return true }
    if let treatmentInQuestion { return row.treatment == treatmentInQuestion }
    return series.contains { $0.label == row.attackLabel && $0.best == row }
  }

  /// The recommended treatment, else the one that was tried; nil where there is neither.
  var treatmentInQuestion: Treatment? {
    findings.recommendedDefence ?? summary.recommendation?.trial?.treatment
  }

  private func table(
    _ rows: [SummaryRow], _ judge: String, _ rungs: [String], caption: String
  ) -> ReportTable {
    let hasArms = Set(rows.filter { !$0.treatment.isNone }.map(\.treatment.arm)).count > 1
    let isSweep = findings.isSweep
    return ReportTable(
      caption: caption,
      columns: [.text("attack")] + (hasArms ? [.text(findings.defences.arm)] : [])
        + (isSweep ? [.number(findings.defences.strength)] : [])
        + ([judge] + rungs).map { .number(JudgeWording.rung($0)) },
      rows: rows.map { row in
        [ReportTable.Cell(Self.name(row.attackLabel))]
          + (hasArms
            ? [
              ReportTable.Cell(
                row.treatment.isNone ? "–" : findings.defences.title(row.treatment.arm))
            ] : [])
          + (isSweep ? [ReportTable.Cell(Number.text(row.alpha))] : [])
          + [
            ReportTable.Cell(
              Wording.percent(row.attackSuccessRate), detail: row.interval.map(Self.range) ?? "")
          ]
          + rungs.map { name in
            row.rung(name).map {
              ReportTable.Cell(Wording.percent($0.rate), detail: Self.range($0.interval))
            } ?? "–"
          }
      }, needsCaption: true)
  }

  /// The rungs of one attack over the strength.
  private func chart(
    _ series: Findings.Series, _ judge: String, _ rungs: [String]
  ) -> ChartFigure? {
    guard series.rows.count > 1 else { return nil }
    func curve(
      _ name: String, _ style: Int, _ share: (SummaryRow) -> (Double, ConfidenceInterval)?
    ) -> ChartSeries {
      ChartSeries(
        name: name, style: style,
        points: series.rows.compactMap { row in
          share(row).map { rate, interval in
            ChartSeries.Point(
              x: row.alpha, y: rate, lower: interval.lower, upper: interval.upper,
              title: "\(name), \(findings.defences.at(row.alpha)): \(Wording.percent(rate)) "
                + "(\(Self.range(interval)))")
          }
        })
    }
    let first = curve(JudgeWording.rung(judge), 1) { row in
      row.attackSuccessRate.flatMap { rate in row.interval.map { (rate, $0) } }
    }
    let others = rungs.enumerated().map { index, name in
      curve(JudgeWording.rung(name), index + 2) { row in
        row.rung(name).map { ($0.rate, $0.interval) }
      }
    }
    let curves = ([first] + others).filter { !$0.points.isEmpty }
    guard !curves.isEmpty else { return nil }
    return ChartFigure(
      id: Self.identifier("ladder-\(series.dataset)-\(series.label)"),
      title: "How far replies go: \(Self.name(series.label))",
      explanation: "\(series.dataset); lower is better; bands are 95 % intervals"
        + (series.isAttacked ? trainingScope : ""),
      axis: findings.defences.axis, series: curves)
  }
}
