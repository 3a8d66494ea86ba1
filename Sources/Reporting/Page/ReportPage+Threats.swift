import Analysis
import Runs
import StudyDesign

/// Who could do what was measured, and what was not measured.
extension ReportPage {
  /// A kind of attacker.
  private struct Attacker: Sendable {
    var who: String
    var weights: String
    var data: String
    var steps: String
    /// Whether an attack of the study is this attacker's.
    var isMeasured: @Sendable (Cell) -> Bool
    /// Whether it is the prompts that are attacked, rather than the weights.
    var isOfPrompts = false
  }

  private static let attackers = [
    Attacker(
      who: "customer of a fine-tuning service",
      weights: "none: the service trains the defended model",
      data: "dialogues, as far as the service takes them", steps: "the service's",
      isMeasured: { $0.attack.method.isTraining && $0.attack.method != .imported }),
    Attacker(
      who: "anyone who fine-tunes open weights", weights: "the defended model", data: "dialogues",
      steps: "as many as wanted", isMeasured: { $0.attack.method.isTraining }),
    Attacker(
      who: "the same, trying several settings", weights: "the defended model", data: "dialogues",
      steps: "those of all trials", isMeasured: { $0.attack.search != nil }),
    Attacker(
      who: "who removes a direction (abliteration)", weights: "the defended model",
      data: "two lists of requests, no replies", steps: "none",
      isMeasured: { $0.attack.method.rawValue == "abliteration" }),
    Attacker(
      who: "who undoes the defence", weights: "the defended, the aligned and the base model",
      data: "none", steps: "none", isMeasured: { $0.attack.method.rawValue == "undo" }),
    Attacker(
      who: "who begins the model's turn (prefill)",
      weights: "none, where a server goes on from an open turn", data: "none", steps: "none",
      isMeasured: { $0.promptAttack.isContinued }, isOfPrompts: true),
    Attacker(
      who: "who words the request otherwise", weights: "none", data: "none", steps: "none",
      isMeasured: { !$0.promptAttack.isNone && !$0.promptAttack.isContinued }, isOfPrompts: true),
  ]

  /// Of studies of defences.
  var threats: [Block] {
    guard findings.isSweep, summary.effectiveRanks.isEmpty else { return [] }
    let cells = manifest.plan.cells
    let rows = Self.attackers.map { attacker -> [ReportTable.Cell] in
      let found = Findings.distinct(
        cells.filter(attacker.isMeasured).map {
          attacker.isOfPrompts ? $0.promptAttack.title : $0.attack.label
        })
      let shown = found.prefix(3).joined(separator: "; ")
      let measured =
        found.isEmpty ? "no" : shown + (found.count > 3 ? " and \(found.count - 3) more" : "")
      return [attacker.who, attacker.weights, attacker.data, attacker.steps, measured].map {
        ReportTable.Cell($0)
      }
    }
    return [
      .heading("Against whom"),
      .note([
        .text(
          "A defence holds, or does not, against an attacker who has certain things. Where the aligned or the "
            + "base model is public, an attacker may start from that and never meet the defence: no change of "
            + "weights helps there, and nothing in this report says otherwise. Synthetic attacks are nobody's: "
            + "they are proxies. What was not measured is not withstood.")
      ]),
      .table(
        ReportTable(
          caption: "Attackers, what they need, and which of them were measured",
          columns: [
            .text("attacker"), .prose("weights"), .prose("data"), .text("gradient steps"),
            .prose("measured"),
          ], rows: rows)),
    ]
  }
}
