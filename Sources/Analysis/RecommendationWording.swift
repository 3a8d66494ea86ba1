import Scoring
import Support

/// What a recommendation says.
enum RecommendationWording {
  /// A share in points or percent, without a sign.
  static func points(_ share: Double) -> String { Number.text((share * 1_000).rounded() / 10) }

  /// `from 80.0 % to 20.0 %, by −60.0 points (95 % interval −75.1 to −41.2, p < 0.001) on 31 prompts`
  static func change(_ fall: RateComparison) -> String {
    "from \(Wording.percent(fall.before)) to \(Wording.percent(fall.after)), by "
      + "\(Wording.points(fall.change)) points (95 % interval "
      + "\(Wording.points(fall.interval.lower)) to \(Wording.points(fall.interval.upper)), "
      + "\(Wording.probability(fall.pValue))"
      + "\(fall.pairs == nil ? "" : " by McNemar's mid-p test")) on \(fall.prompts) prompts"
  }

  /// Why a cost that was measured within its limit does not show that it is.
  static func unshown(_ cost: CostBound) -> String {
    let most = points(cost.upper)
    let needed =
      cost.needed.map { "; about \($0) would show it if the same came out again" } ?? ""
    let prompts = "\(cost.prompts) prompts of \(cost.dataset) tell\(needed)"
    return switch cost.kind {
    case .overRefusal:
      "it may refuse up to \(most) % of harmless prompts, more than \(points(cost.limit)) %, as far "
        + "as \(prompts)"
    case .overRefusalIncrease:
      "over-refusal may rise by up to \(most) points, more than \(points(cost.limit)), as far as "
        + "\(prompts)"
    case .utilityDrop:
      "utility may fall by up to \(most) points, more than \(points(cost.limit)), as far as "
        + "\(prompts)"
    }
  }

  static func nothingTried(isFit: Bool, among defences: DefenceWording) -> String {
    isFit
      ? "No \(defences.any) is shown to help: the harmful prompts are too few to choose on one half and to "
        + "report on the other."
      : "No \(defences.any) stays within the limits."
  }

  /// - Parameters:
  ///   - impotent: the worst attack, where it is not shown to move the untreated model.
  ///   - scope: what the attacks' success holds for: `these trainings`.
  static func reason(
    of trial: Recommendation.Trial?, unkept: [CostBound], impotent: AttackEffect? = nil,
    among defences: DefenceWording, scope: String
  ) -> String {
    guard let trial else { return "" }
    let name = trial.treatment.title
    let tried =
      "chosen on one half of the harmful prompts (\(trial.choosingPrompts)) and tried on the other, "
      + "it moves the worst attack's success \(change(trial.fall)), for \(scope)"
    if trial.isSignificant, unkept.isEmpty, impotent == nil {
      return "\(name) is shown to help: \(tried). The upper bounds of its costs keep their limits."
    }
    var missing: [String] = []
    if trial.fall.change >= 0 {
      missing.append("The other half shows no fall.")
    } else if !trial.isSignificant {
      missing.append(
        trial.needed.map {
          "That fall is not significant: about \($0) harmful prompts would show it if it came out again."
        } ?? "That fall is not significant.")
    }
    if let impotent {
      let comparison = impotent.comparison
      missing.append(
        "The worst attack, \(impotent.place.attack), is not shown to raise the success on the model "
          + "\(defences.undefended) (\(Wording.points(comparison.change)) points, "
          + "\(Wording.probability(impotent.adjustedPValue))): what happens under it is no success against an "
          + "attack; name one that works.")
    }
    // Of a repair the same may be missing under several attacks.
    missing += Findings.distinct(unkept.map(unshown)).prefix(2).map {
      "Its costs are not shown to keep their limits: \($0)."
    }
    // Where the fall itself is shown, its price alone is in doubt.
    let isFallShown = trial.isSignificant && trial.fall.change < 0 && impotent == nil
    let price = isFallShown ? " at a cost within the limits" : ""
    return
      "No \(defences.any) is shown to help\(price). Of those tried \(name) is the best: \(tried). "
      + missing.joined(separator: " ")
  }
}
