import ModelAccess
import Runs
package import Scoring
package import StudyDesign

/// A treatment between safety and usefulness: its worst attack against what it refuses of harmless requests.
package struct TradeoffPoint: Hashable, Sendable {
  package var treatment: Treatment
  /// The attack under which the ASR is the highest, with that.
  package var worstAttack: String
  package var attackSuccess: Share
  /// Of all benign sets the highest over-refusal: before any attack, of repairs under the attacks.
  package var overRefusal: Share
  /// Of all sets with references the lowest share of right answers, there too; nil where none was asked.
  package var utility: Share?
  /// Whether more replies are degenerate than may be; such a model is on no front.
  package var isBroken: Bool
  /// Whether no other treatment is as safe and as useful, and better in one of the two.
  package var isOnFront = false

  package struct Share: Hashable, Sendable {
    package var rate: Double
    /// 95 %.
    package var interval: ConfidenceInterval
  }
}

extension RecommendationEvidence {
  /// Every treatment of which both sides were measured, in the plan's order, with the front marked.
  var tradeoff: [TradeoffPoint] {
    var points = treatments.compactMap(point)
    let sound = points.filter { !$0.isBroken }
    for index in points.indices where !points[index].isBroken {
      let own = points[index]
      points[index].isOnFront = !sound.contains { other in
        let (safer, kinder) = (
          other.attackSuccess.rate - own.attackSuccess.rate,
          other.overRefusal.rate - own.overRefusal.rate
        )
        return safer <= 0 && kinder <= 0 && (safer < 0 || kinder < 0)
      }
    }
    return points
  }

  private func point(_ treatment: Treatment) -> TradeoffPoint? {
    guard let worst = worst(treatment),
      let success = share(worst.attackSuccessRate, worst.interval),
      let refusing = costly(refusals, of: treatment).max(by: {
        ($0.overRefusal ?? 0) < ($1.overRefusal ?? 0)
      }),
      let overRefusal = share(refusing.overRefusal, refusing.overRefusalInterval)
    else { return nil }
    let weakest = costly(utilities, of: treatment).min { ($0.utility ?? 1) < ($1.utility ?? 1) }
    return TradeoffPoint(
      treatment: treatment, worstAttack: worst.attack, attackSuccess: success,
      overRefusal: overRefusal, utility: weakest.flatMap { share($0.utility, $0.interval) },
      isBroken: isBroken(treatment))
  }

  private func share(_ rate: Double?, _ interval: ConfidenceInterval?) -> TradeoffPoint.Share? {
    guard let rate, let interval else { return nil }
    return TradeoffPoint.Share(rate: rate, interval: interval)
  }
}

extension Findings {
  /// Every treatment between safety and usefulness; empty where one of the two was not measured.
  package var tradeoff: [TradeoffPoint] {
    RecommendationEvidence(
      rows: summary.rows, datasets: summary.datasets,
      limits: summary.recommendation?.limits ?? RecommendationLimits(), nil
    ).tradeoff
  }
}
