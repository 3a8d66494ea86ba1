import Analysis
import Scoring
import StudyDesign
import Support

/// `tradeoff.csv`: one row a treatment, safety against usefulness, for scripts and figures.
enum TradeoffCSV {
  static let fileName = "tradeoff.csv"

  static let columns = [
    "defence", "parameters", "stage", "strength", "worst_attack", "asr", "ci_low", "ci_high",
    "over_refusal", "over_refusal_low", "over_refusal_high", "utility", "utility_low",
    "utility_high", "broken", "on_front",
  ]

  static func render(_ points: [TradeoffPoint]) -> String {
    let lines = points.map { point in
      func shares(_ share: TradeoffPoint.Share?) -> [String] {
        [share?.rate, share?.interval.lower, share?.interval.upper].map(SummaryCSV.number)
      }
      let treatment = point.treatment
      return
        ([
          SummaryCSV.text(treatment.method.rawValue), SummaryCSV.text(treatment.parameters.text),
          treatment.isNone ? "" : treatment.stage.rawValue, Number.text(treatment.strength),
          SummaryCSV.text(point.worstAttack),
        ] + shares(point.attackSuccess) + shares(point.overRefusal) + shares(point.utility)
        + ["\(point.isBroken)", "\(point.isOnFront)"]).joined(separator: ",")
    }
    return ([columns.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
  }
}
