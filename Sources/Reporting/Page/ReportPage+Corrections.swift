import Analysis
import Runs
import Scoring
import Support

/// What labelled replies say of the judges.
extension ReportPage {
  /// By labels of the run's own replies.
  var corrections: [Block] {
    guard let corrections = summary.corrections else { return [] }
    func share(_ share: JudgeQuality.Share) -> ReportTable.Cell {
      ReportTable.Cell(Wording.percent(share.rate), detail: share.interval.map(Self.range) ?? "")
    }
    return [
      .note([
        .text(
          "A person labelled replies of this run, drawn at random. Corrected rates in the tables above "
            + "take out the mistakes that each judge makes on a group of models, and their intervals "
            + "hold what the labels leave open.")
      ]),
      .table(
        ReportTable(
          caption: "Judges against labels of this run's own replies",
          columns: [
            .text("set"), .text("judge"), .text("models"), .number("labels"), .number("complied"),
            .number("sensitivity"), .number("specificity"), .text("corrected"),
          ],
          rows: corrections.map { found in
            [
              ReportTable.Cell(found.dataset), ReportTable.Cell(found.judge),
              ReportTable.Cell(found.group), ReportTable.Cell("\(found.labels)"),
              ReportTable.Cell("\(found.complied)"), share(found.sensitivity),
              share(found.specificity),
              ReportTable.Cell(
                found.refusal.map { "no: \($0)" }
                  ?? (found.byLabelsAlone ? "by the labels alone" : "yes")),
            ]
          })),
    ]
  }

  /// By labelled replies of elsewhere, as runs of earlier releases hold it.
  var qualityElsewhere: [Block] {
    guard !summary.judgeQuality.isEmpty else { return [] }
    func share(_ share: JudgeQuality.Share) -> ReportTable.Cell {
      ReportTable.Cell(Wording.percent(share.rate), detail: share.interval.map(Self.range) ?? "")
    }
    return [
      .note([
        .text(
          "How the judges did on labelled replies of elsewhere. No rate is corrected by that: a judge "
            + "errs otherwise on other models' replies.")
      ]),
      .table(
        ReportTable(
          caption: "Quality of the judges on labelled replies of elsewhere",
          columns: [
            .text("judge"), .text("labelled set"), .number("replies"), .number("sensitivity"),
            .number("specificity"), .number("unscored"),
          ],
          rows: summary.judgeQuality.map { quality in
            [
              ReportTable.Cell(quality.judge), ReportTable.Cell(quality.dataset),
              ReportTable.Cell("\(quality.replies)"), share(quality.sensitivity),
              share(quality.specificity), ReportTable.Cell("\(quality.unscored)"),
            ]
          })),
    ]
  }
}
