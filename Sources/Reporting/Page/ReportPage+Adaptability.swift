import Analysis
import Scoring
import StudyDesign

/// Whether a treated model can still be taught a task.
extension ReportPage {
  var adaptability: [Block] {
    let found = summary.adaptability ?? []
    guard !found.isEmpty else { return [] }
    let hasSets = Set(found.map(\.dataset)).count > 1
    return [
      .heading("Can the model still be taught?"),
      .note([
        .text(
          "Right answers of each treated model before and after a training that teaches the undefended one, on the "
            + "same prompts. The gain is that of the training; the last columns compare the trained model with the "
            + "undefended one after the same training, corrected after Holm for the treatments. A fall that is not "
            + "shown may be there all the same: the interval says how large it may be.")
      ]),
      .list(findings.adaptabilityVerdict),
      .table(
        ReportTable(
          caption: "Right answers before and after training",
          columns: (hasSets ? [.text("dataset")] : []) + [
            .text("training"), .text("treatment"), .number("before"), .number("after"),
            .number("gain"), .number("against undefended"), .number("p, corrected"),
          ],
          rows: found.map { entry in
            (hasSets ? [ReportTable.Cell(entry.dataset)] : []) + [
              ReportTable.Cell(entry.attack), ReportTable.Cell(title(entry.treatment)),
              ReportTable.Cell(Wording.percent(entry.gain.before)),
              ReportTable.Cell(Wording.percent(entry.gain.after)),
              ReportTable.Cell(
                Wording.points(entry.gain.change), detail: Self.points(entry.gain.interval)),
              entry.againstUndefended.map {
                ReportTable.Cell(
                  Wording.points($0.change), detail: Self.points($0.interval),
                  tone: tone(entry.outcome))
              } ?? ReportTable.Cell("–"),
              ReportTable.Cell(entry.adjustedPValue.map(Wording.probability) ?? "–"),
            ]
          })),
    ]
  }

  private func tone(_ outcome: Adaptability.Outcome) -> ReportTable.Tone? {
    switch outcome {
    case .lost: .worse
    case .better: .better
    case .notShown: nil
    }
  }
}
