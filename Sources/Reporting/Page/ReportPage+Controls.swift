import Analysis
import Scoring
import StudyDesign
import Support

/// Whether LoX beats what has its size but not its directions.
extension ReportPage {
  var controls: [Block] {
    let found = summary.controls ?? []
    guard !found.isEmpty else { return [] }
    let hasSets = Set(found.map(\.dataset)).count > 1
    return [
      .heading("LoX and its controls"),
      .note([
        .text(
          "Each control changes as many directions by as much as LoX does, tensor by tensor: random ones, the "
            + "next of the alignment, all of it at that norm, another layer's, LoX turned round. Where LoX does "
            + "no better, it is the size of the change that works, or harm done to the model, and not the "
            + "alignment's subspace. Differences are on the same prompts, from the control to LoX; p-values are "
            + "corrected after Holm for all comparisons of a set. A control whose replies are degenerate is a broken "
            + "model: that LoX does no better than it says nothing.")
      ]),
      .list(findings.controlVerdict),
      .details(
        "Each comparison",
        [
          .table(
            ReportTable(
              caption: "LoX against each control, by \(asrRungs)",
              columns: (hasSets ? [.text("dataset")] : []) + [
                .text("attack"), .number("α"), .text("control"), .number("control's rate"),
                .number("LoX's rate"), .number("difference"), .number("p, corrected"),
              ],
              rows: found.map { comparison in
                (hasSets ? [ReportTable.Cell(comparison.dataset)] : []) + [
                  ReportTable.Cell(Self.name(comparison.attackLabel)),
                  ReportTable.Cell(Number.text(comparison.treatment.strength)),
                  ReportTable.Cell(comparison.control.arm.fullTitle),
                  ReportTable.Cell(
                    Wording.percent(comparison.comparison.before),
                    detail: degenerate(comparison)),
                  ReportTable.Cell(Wording.percent(comparison.comparison.after)),
                  ReportTable.Cell(
                    Wording.points(comparison.comparison.change),
                    detail: Self.points(comparison.comparison.interval),
                    tone: tone(comparison.outcome)),
                  ReportTable.Cell(Wording.probability(comparison.adjustedPValue)),
                ]
              }))
        ]),
    ]
  }

  /// How many of the control's replies are degenerate; empty where none is.
  private func degenerate(_ comparison: ControlComparison) -> String {
    let row = summary.rows.first {
      $0.dataset == comparison.dataset && $0.judge == comparison.judge
        && $0.attack == comparison.attack && $0.promptAttack == comparison.promptAttack
        && $0.treatment == comparison.control
    }
    return row.map { $0.degenerate > 0 ? "\($0.degenerate) of \($0.judged) degenerate" : "" } ?? ""
  }

  private func tone(_ outcome: ControlComparison.Outcome) -> ReportTable.Tone? {
    switch outcome {
    case .beats: .better
    case .loses: .worse
    case .undecided: nil
    }
  }
}
