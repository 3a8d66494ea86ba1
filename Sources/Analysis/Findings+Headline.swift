import Runs
import StudyDesign
import Support

extension Findings {
  /// What a run came to, in a few words, for a list of runs; empty where it has no conclusion.
  package var headline: String {
    let said: [String]
    if !summary.effectiveRanks.isEmpty {
      said = summary.effectiveRanks.map { $0.answer.lowercasedStart }
    } else if let surfaces = summary.landscape {
      said = surfaces.compactMap { surface in
        surface.reaches.first { $0.alpha == 0 }.map {
          "\(surface.dataset): ASR of \(Wording.percent(surface.limit)) without LoX: \($0.outcome)"
        }
      }
    } else if let recommendation = summary.recommendation {
      said = [Self.choice(recommendation)]
    } else {
      said = rates
    }
    return said.joined(separator: "; ")
  }

  private static func choice(_ recommendation: Recommendation) -> String {
    guard let treatment = recommendation.treatment else { return "no choice can be made" }
    return treatment.isNone ? "leave the model as it is" : "use \(treatment.request)"
  }

  /// Of a single model, what each set shows.
  private var rates: [String] {
    summary.rows.filter { summary.isLeading($0) && $0.judged > 0 }.map { row in
      let attack = row.isAttacked ? " under \(row.attackLabel)" : ""
      if let utility = row.utility {
        return "solves \(Wording.percent(utility)) of \(row.dataset)\(attack)"
      }
      return isHarmful(row.dataset)
        ? "ASR \(Wording.percent(row.attackSuccessRate)) on \(row.dataset)\(attack)"
        : "refuses \(Wording.percent(row.overRefusal)) of \(row.dataset)\(attack)"
    }
  }
}

extension String {
  fileprivate var lowercasedStart: String { prefix(1).lowercased() + dropFirst() }
}
