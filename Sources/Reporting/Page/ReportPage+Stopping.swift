import Analysis
import Runs
import Scoring

/// Of a run that asked until its limits were decided: what that does to the numbers, and intervals that
/// allow for it.
extension ReportPage {
  var stopping: [Block] {
    guard let sequential = manifest.plan.sequential else { return [] }
    let limits = GateRule.allCases.compactMap { rule in
      sequential.limits[rule].map { limit in
        "\(rule.quantity) at \(rule == .minimumUtility ? "least" : "most") \(GateCells.shown(rule, limit))"
      }
    }.joined(separator: ", ")
    let opening =
      "This run stopped by itself: it asked prompts in a shuffled order, batch by batch, until its limits were "
      + "decided (\(limits)) or its cap was reached. Elsewhere in this report the intervals, the tests, the "
      + "recommendation and what the first lines say of them are made for a number of prompts that is fixed "
      + "beforehand, and ignore the stopping: a run that stops where its numbers look good shows "
      + "them somewhat too good."
    // What the run itself ended with, by the same tests.
    let subject = GateSubject(summary: summary, run: run)
    let result = Gate(limits: sequential.limits).check(subject)
    let shown: [Block]
    if result.checks.contains(where: { $0.interval != nil }) {
      shown = [
        .note([
          .text(
            opening
              + " The sequential intervals below hold after every prompt, whenever the run stopped: each "
              + "of their ends fails with at most the level of the gate.")
        ]),
        .table(stoppingTable(result.checks)),
      ]
    } else {
      let why =
        sequential.ledger.map { $0 != Gate.noEvidence } ?? false
        ? " It went on from a ledger, and loxeval gate with that --ledger shows the intervals that hold."
        : " The intervals that hold are shown when the run is finished."
      shown = [.note([.text(opening + why)])]
    }
    return [.heading("Stopped when decided")] + shown
  }

  private func stoppingTable(_ checks: [GateCheck]) -> ReportTable {
    let cells = GateCells(
      run: GateSubject(summary: summary), baseline: nil, limits: GateLimits(), confidence: 0.95)
    let rows = Dictionary(
      summary.rows.map { (cells.name($0), $0) }, uniquingKeysWith: { first, _ in first })
    func fixed(_ check: GateCheck) -> Share? {
      let quantity: Quantity? =
        switch check.rule {
        case .maximumSuccessRate: .successRate
        case .maximumOverRefusal: .overRefusal
        case .minimumUtility: .utility
        default: nil
        }
      return quantity.flatMap { quantity in rows[check.cell].flatMap { Share(quantity, of: $0) } }
    }
    return ReportTable(
      caption:
        "Each limit with the interval that ignores the stopping and the one that allows for it",
      columns: [
        .text("limit"), .text("cell"), .number("prompts"), .number("of"), .number("rate"),
        .number("as if fixed"), .number("sequential"), .text("outcome"),
      ],
      rows: checks.filter { $0.interval != nil }.map { check in
        let share = fixed(check)
        return [
          "\(check.rule.quantity) \(GateTable.limit(check))", ReportTable.Cell(check.cell),
          ReportTable.Cell(GateTable.count(check)),
          ReportTable.Cell(
            rows[check.cell].flatMap { summary.datasets[$0.dataset]?.prompts }.map(String.init)
              ?? "–"),
          ReportTable.Cell(Wording.percent(share?.rate)),
          ReportTable.Cell(share.map { Self.range($0.interval) } ?? "–"),
          ReportTable.Cell(GateTable.interval(check)),
          ReportTable.Cell(
            check.outcome.rawValue,
            tone: check.outcome == .passed ? .better : check.outcome == .breached ? .worse : nil),
        ]
      })
  }
}
