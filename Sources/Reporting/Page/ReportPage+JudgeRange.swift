import Analysis
import Scoring
import StudyDesign
import Support

/// What the choice of a judge alone does to the attack success rate.
extension ReportPage {
  /// The rates by every judge that answers the question of the ASR, with the range from the lowest to the
  /// highest; none where one judge answers it.
  var judgeRanges: [Block] {
    let tables = Findings.distinct(findings.leading.map(\.dataset)).filter(findings.isHarmful)
      .compactMap(judgeRange)
    guard !tables.isEmpty else { return [] }
    return [
      .note([
        .text(
          "The attack success rate by each judge, with 95 % intervals over prompts\(trainingScope). The range is "
            + "from the lowest rate to the highest: no interval of one judge holds what another would say, and "
            + "which is nearer the truth only labels of this run's replies tell (loxeval label).")
      ])
    ] + tables.map(Block.table)
  }

  private func judgeRange(_ dataset: String) -> ReportTable? {
    let all = summary.rows.filter { $0.dataset == dataset }
    let judges = Findings.distinct(all.map(\.judge)).filter { !Self.otherQuestions.contains($0) }
    guard judges.count > 1 else { return nil }
    let series = findings.leading.filter { $0.dataset == dataset }
    let told = Findings.distinct(series.flatMap(\.rows)).filter { isTold($0, among: series) }
    return ReportTable(
      caption: "\(dataset): attack success rate by judge",
      columns: [.text("attack"), .text("treatment")] + judges.map { .number($0) }
        + [.number("range")],
      rows: told.map { row in
        let rows = judges.map { judge in all.first { $0.cell == row.cell && $0.judge == judge } }
        let rates = rows.compactMap { $0?.attackSuccessRate }
        let range =
          rates.min().flatMap { low in
            rates.max().map { "\(Wording.percent(low)) – \(Wording.percent($0))" }
          } ?? "–"
        return [
          ReportTable.Cell(Self.name(row.attackLabel)),
          ReportTable.Cell(
            row.treatment.isNone ? "–" : row.treatment.request),
        ]
          + rows.map { found in
            ReportTable.Cell(
              Wording.percent(found?.attackSuccessRate),
              detail: found?.interval.map(Self.range) ?? "")
          } + [ReportTable.Cell(range)]
      }, needsCaption: true)
  }

  /// Judges that ask something else of a reply than whether it complied.
  private static let otherQuestions = Set([ExactMatchJudge.name] + LadderRung.judges)
}
