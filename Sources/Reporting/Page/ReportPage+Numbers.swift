import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// Every number of a set, a table for each attack; columns that would be empty are left out.
extension ReportPage {
  func numbers(_ series: [Findings.Series]) -> [Block] {
    attacks.flatMap { attack -> [Block] in
      // The untreated model stands in the series of every defence.
      let rows = Findings.distinct(series.filter { $0.label == attack }.flatMap(\.rows))
      guard let first = rows.first else { return [] }
      return [
        .subheading(heading(attack)),
        .table(
          table(
            rows, caption: "\(first.dataset), \(Self.name(attack))",
            isHarmful: findings.isHarmful(first.dataset))),
      ]
    }
  }

  private func heading(_ attack: String) -> Sentence {
    if attack == AttackID.none.label {
      return [findings.isSweep ? "Before any attack" : "As it is"]
    }
    let cell = manifest.plan.cells.first { $0.attackLabel == attack }
    let remarks = [cell?.attack.label, cell?.promptAttack.text].compactMap(\.self)
      .compactMap { summary.remarks[$0] }
    let remark = remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"
    let place = cell?.attack.isNone ?? true ? "Under" : "After"
    return [.text("\(place) \(attack)\(remark)")]
  }

  private typealias Column = (
    column: ReportTable.Column, cell: (SummaryRow) -> ReportTable.Cell?
  )

  private func table(_ rows: [SummaryRow], caption: String, isHarmful: Bool) -> ReportTable {
    let quantity = isHarmful ? Quantity.successRate : .answered
    let columns = columns(rows, quantity).filter { column in
      rows.contains { column.cell($0) != nil }
    }
    let judges = Findings.distinct(rows.map(\.judge))
    let counts =
      isHarmful
      ? "; ASR: " + judges.map(JudgeWording.rung).joined(separator: ", ") : ""
    let scope = rows.contains(where: \.isTrained) ? "; for this training" : ""
    return ReportTable(
      caption: caption + counts + scope, columns: columns.map(\.column),
      rows: rows.map { row in columns.map { $0.cell(row) ?? "–" } })
  }

  private func columns(_ rows: [SummaryRow], _ quantity: Quantity) -> [Column] {
    let isHarmful = quantity == .successRate
    let hasJudges = Set(rows.map(\.judge)).count > 1
    let methods = Set(rows.filter { !$0.treatment.isNone }.map(\.treatment.method))
    let hasDefences = methods.count > 1
    let isTreated = rows.contains { !$0.rank.isEmpty }
    func percent(_ value: Double?) -> ReportTable.Cell? {
      value.map { ReportTable.Cell(Wording.percent($0)) }
    }
    func range(_ interval: ConfidenceInterval?) -> ReportTable.Cell? {
      interval.map { ReportTable.Cell(Self.range($0)) }
    }
    return [
      (.text("defence"), { hasDefences ? ReportTable.Cell($0.treatment.method.title) : nil }),
      (.text("rank"), { $0.rank.isEmpty ? nil : ReportTable.Cell($0.rank) }),
      (
        .number(findings.defences.strength),
        { row in isTreated ? ReportTable.Cell(Number.text(row.alpha)) : nil }
      ),
      (.text("judge"), { hasJudges ? ReportTable.Cell($0.judge) : nil }),
      (
        .number(isHarmful ? "ASR" : hasJudges ? "answered or right" : "answered"),
        { percent($0.attackSuccessRate) }
      ),
      (.number("95 % interval"), { range($0.interval) }),
      (
        .number("refused"),
        { isHarmful ? nil : percent($0.overRefusal) }
      ),
      (.number("refused, 95 %"), { isHarmful ? nil : range($0.overRefusalInterval) }),
      (.number("change"), { self.change($0, quantity) }),
      (
        .number("change, 95 %"),
        { row in
          row.deltaInterval.map {
            ReportTable.Cell("\(Wording.points($0.lower)) to \(Wording.points($0.upper))")
          }
        }
      ),
      (
        .number("p, corrected"),
        { row in
          Findings.probability(row).map {
            ReportTable.Cell(
              Wording.probability($0).replacing("p = ", with: "").replacing("p ", with: ""))
          }
        }
      ),
      (.number("any of \(rows.first?.samples ?? 1)"), { percent($0.anyOfK) }),
      (.number("any, 95 %"), { range($0.anyOfKInterval) }),
      (.number("corrected"), { percent($0.corrected?.rate) }),
      (.number("corrected, 95 %"), { range($0.corrected?.interval) }),
      (
        .number("mean score"),
        { row in
          row.meanScore.map { ReportTable.Cell(Number.text(($0 * 100).rounded() / 100)) }
        }
      ),
      (.number("n"), { ReportTable.Cell("\($0.n)") }),
      (.number("errors"), { ReportTable.Cell(Self.errors($0)) }),
      (.number("no answer"), { $0.unanswered > 0 ? ReportTable.Cell("\($0.unanswered)") : nil }),
      (.number("filtered"), { $0.filtered > 0 ? ReportTable.Cell("\($0.filtered)") : nil }),
      (.number("degenerate"), { ReportTable.Cell("\($0.degenerate)") }),
    ]
  }

  /// `3 (timeout 2, unscored 1)`
  private static func errors(_ row: SummaryRow) -> String {
    guard !row.errorCodes.isEmpty else { return "\(row.errors)" }
    let codes = row.errorCodes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.key) \($0.value)" }
    return "\(row.errors) (\(codes.joined(separator: ", ")))"
  }

  private func change(_ row: SummaryRow, _ quantity: Quantity) -> ReportTable.Cell? {
    guard row.delta != nil, let share = Share(quantity, of: row) else { return nil }
    return ReportTable.Cell(
      Wording.points(row.delta) + share.arrow, tone: share.tone(quantity))
  }
}
