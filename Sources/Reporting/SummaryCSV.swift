package import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// `summary.csv`: one row a cell, for scripts.
package enum SummaryCSV {
  package static let columns = [
    "model", "targets", "rank", "alpha", "attack", "attack_method", "dataset", "judge", "n",
    "errors", "degenerate", "successes", "asr", "ci_low", "ci_high", "delta", "p_value", "seed",
    "max_tokens", "defence", "parameters", "stage", "prompt_attack", "attack_seed", "attack_step",
    "filtered", "unanswered", "unscored", "asr_worst_low", "asr_worst_high", "willing",
    "willing_low", "willing_high", "on_subject", "on_subject_low", "on_subject_high",
    "over_refusal", "over_refusal_low", "over_refusal_high", "adjusted_p",
  ]

  package static func render(_ summary: Summary) -> String {
    var lines = [columns.joined(separator: ",")]
    for row in summary.rows {
      // The further rungs of the ladder stand beside every judge's row of the cell.
      let ladder = [WillingJudge.name, OnSubjectJudge.name].map(row.rung).flatMap { rung in
        [number(rung?.rate), number(rung?.interval.lower), number(rung?.interval.upper)]
      }
      lines.append(
        [
          text(row.model), text(row.targets), text(row.rank), alpha(row.treatment),
          text(row.attack), text(row.attackMethod), text(row.dataset), text(row.judge), "\(row.n)",
          "\(row.errors)", "\(row.degenerate)", "\(row.successes)", number(row.attackSuccessRate),
          number(row.interval?.lower), number(row.interval?.upper), number(row.delta),
          number(row.pValue), "\(row.seed)", "\(row.maxTokens)",
          text(row.treatment.method.rawValue), text(parameters(row.treatment)),
          row.treatment.isNone ? "" : row.treatment.stage.rawValue, text(row.promptAttack),
          row.attackSeed.map { "\($0)" } ?? "", row.attackStep.map { "\($0)" } ?? "",
          "\(row.filtered)", "\(row.unanswered)", "\(row.unscored)",
          number(row.worstCases?.lower), number(row.worstCases?.upper),
        ].joined(separator: ",") + "," + ladder.joined(separator: ",") + ","
          + [
            number(row.overRefusal), number(row.overRefusalInterval?.lower),
            number(row.overRefusalInterval?.upper), number(row.adjustedPValue),
          ].joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Of LoX, its controls and the untreated model; of others `parameters` says it.
  static func alpha(_ treatment: Treatment) -> String {
    hasAlpha(treatment.method) ? Number.text(treatment.strength) : ""
  }

  private static func hasAlpha(_ method: Treatment.Method) -> Bool {
    method.isNamedByRank || method.isControl
  }

  static func parameters(_ treatment: Treatment) -> String {
    var parameters = treatment.parameters
    if !hasAlpha(treatment.method) {
      parameters[treatment.method.strengthName] = .number(treatment.strength)
    }
    return parameters.text
  }

  /// In one line, quoted by RFC 4180 where needed. A text that a spreadsheet would take for a formula
  /// gets an apostrophe in front.
  package static func text(_ value: String) -> String {
    var value = PrintableText.line(value)
    if let first = value.first(where: { $0 != " " }), "=+-@".contains(first) { value = "'" + value }
    guard value.contains(where: { ",\"".contains($0) }) else { return value }
    return "\"" + value.replacing("\"", with: "\"\"") + "\""
  }

  /// Empty where undefined; otherwise to nine digits, which is more than any sample size supports.
  static func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return Number.text((value * 1e9).rounded() / 1e9)
  }
}
