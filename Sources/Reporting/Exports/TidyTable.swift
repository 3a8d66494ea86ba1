import Analysis
import ModelAccess
package import Runs
import Scoring
import StudyDesign
import Support

/// `samples.csv`: a row for each sample, with everything that tells it from others in a column of its own.
package struct TidyTable {
  /// Before the judges' own columns.
  package static let columns = [
    "cell", "model", "targets", "defence", "parameters", "stage", "rank", "alpha", "strength",
    "attack", "attack_method", "attack_seed", "attack_step", "t", "prompt_attack", "dataset",
    "kind", "id", "sample", "category", "judge", "verdict", "score", "error_code", "finish_reason",
    "prompt_tokens", "completion_tokens", "latency_ms", "attempts",
  ]
  /// After them, where they are asked for.
  package static let texts = ["prompt", "reference", "reasoning", "response"]

  private let plan: RunManifest.Plan
  private let hasTexts: Bool
  /// All that read replies of any set, in the order of their names.
  private let judges: [String]
  /// What is the same of all samples of a cell, as it stands in the row.
  private let cells: [CellID: String]

  package init(_ plan: RunManifest.Plan, hasTexts: Bool) {
    self.plan = plan
    self.hasTexts = hasTexts
    judges = Set(plan.cells.flatMap { plan.readers(of: $0.dataset) }).sorted()
    let ranks = Set(plan.cells.compactMap { $0.treatment.parameters["rank"]?.text })
    let untreatedRank = ranks.count == 1 ? ranks.first ?? "" : ""
    cells = Dictionary(
      plan.cells.map { ($0.id, Self.row(of: $0, plan, untreatedRank: untreatedRank)) },
      uniquingKeysWith: { first, _ in first })
  }

  package var header: String {
    (Self.columns + judges.flatMap { ["verdict_\($0)", "score_\($0)"] }
      + (hasTexts ? Self.texts : [])).map(SummaryCSV.text).joined(separator: ",") + "\n"
  }

  private static func row(
    of cell: Cell, _ plan: RunManifest.Plan, untreatedRank: String
  ) -> String {
    let (treatment, attack) = (cell.treatment, cell.attack)
    let rank = treatment.isNone ? untreatedRank : treatment.parameters["rank"]?.text ?? ""
    return [
      SummaryCSV.text(cell.id.rawValue), SummaryCSV.text(cell.model), SummaryCSV.text(cell.targets),
      SummaryCSV.text(treatment.method.rawValue),
      SummaryCSV.text(SummaryCSV.parameters(treatment)),
      treatment.isNone ? "" : treatment.stage.rawValue, SummaryCSV.text(rank),
      SummaryCSV.alpha(treatment), Number.text(treatment.strength), SummaryCSV.text(attack.label),
      SummaryCSV.text(attack.method.rawValue), attack.seed.map { "\($0)" } ?? "",
      attack.step.map { "\($0)" } ?? "", attack.direction.map { Number.text($0.scale) } ?? "",
      SummaryCSV.text(cell.promptAttack.text), SummaryCSV.text(cell.dataset),
      plan.datasets[cell.dataset]?.kind.rawValue ?? "",
    ].joined(separator: ",")
  }

  /// A sample's row; nil for one of a cell that is not planned.
  package func row(_ sample: Sample) -> String? {
    guard let cell = cells[sample.cell] else { return nil }
    var fields = [
      cell, SummaryCSV.text(sample.id), "\(sample.sample)", SummaryCSV.text(sample.category),
      SummaryCSV.text(sample.judge), sample.verdict.rawValue,
      SummaryCSV.number(sample.judgement.score),
      SummaryCSV.text(sample.failure?.code.rawValue ?? ""),
      SummaryCSV.text(sample.finishReason ?? ""), sample.promptTokens.map { "\($0)" } ?? "",
      sample.completionTokens.map { "\($0)" } ?? "", SummaryCSV.number(sample.latencyMilliseconds),
      "\(sample.attempts)",
    ]
    for judge in judges {
      let judgement = sample.judgements[judge]
      fields += [judgement?.verdict.rawValue ?? "", SummaryCSV.number(judgement?.score)]
    }
    if hasTexts {
      fields += [sample.prompt, sample.reference ?? "", sample.reasoning ?? "", sample.response]
        .map(Self.exact)
    }
    return fields.joined(separator: ",") + "\n"
  }

  /// As it is, in quotes (RFC 4180): a program reads what the model wrote.
  private static func exact(_ text: String) -> String {
    text.isEmpty ? "" : "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
