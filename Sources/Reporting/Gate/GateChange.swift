import Foundation
package import Scoring

extension GateQuestion {
  /// A share that must not have grown by more than a limit since a baseline of which the rates alone are
  /// known: the two runs count as independent (Newcombe), which is the more cautious.
  package static func increase(
    atMost limit: Double, from baseline: MeasuredRate, to measured: MeasuredRate
  ) -> GateQuestion {
    func interval(_ factor: Double, _ confidence: Double) -> ConfidenceInterval {
      func part(_ first: Double, _ second: Double) -> ConfidenceInterval {
        newcombeInterval(
          first: (first, baseline.trials * factor), second: (second, measured.trials * factor),
          confidence: confidence, method: .guaranteed)
      }
      return ConfidenceInterval(
        lower: part(baseline.highest, measured.lowest).lower,
        upper: part(baseline.lowest, measured.highest).upper)
    }
    let value = measured.rate - baseline.rate
    return GateQuestion(
      value: value, limit: limit, isAtLeast: false, interval: { interval(1, $0) },
      needed: { pass, breach in
        let distance = abs(limit - value)
        guard distance > 0 else { return .none }
        let confidence = value < limit ? pass : breach
        let variance =
          baseline.rate * (1 - baseline.rate) + measured.rate * (1 - measured.rate)
        let quantiles =
          normalQuantile((1 + confidence) / 2) + normalQuantile(NeededPrompts.power)
        let byVariance = quantiles * quantiles * variance / (distance * distance)
        // Where both rates are 0 there is no variance, and the limits of 0 must come near enough.
        var prompts = max(1, byVariance.rounded(.up))
        while prompts <= Double(NeededPrompts.most) {
          let found = interval(prompts / measured.trials, confidence)
          if found.upper <= limit || found.lower > limit { return .about(Int(prompts)) }
          prompts = (prompts * 1.02).rounded(.up)
        }
        return .moreThan(NeededPrompts.most)
      })
  }

  /// The same on the same prompts, of which each one's outcomes are known.
  ///
  /// - Parameter changes: of each prompt, from −1 to 1, as `SequentialTest.Observation` has them.
  package static func increase(
    atMost limit: Double, value: Double, changes: [SequentialTest.Observation]
  ) -> GateQuestion {
    func parts(_ changes: [Double]) -> (falls: Double, rises: Double) {
      (changes.reduce(0) { $0 + max(0, -$1) }, changes.reduce(0) { $0 + max(0, $1) })
    }
    let pairs = Double(changes.count)
    let (lowest, highest) = (parts(changes.map(\.lowest)), parts(changes.map(\.highest)))
    func interval(
      _ part: (falls: Double, rises: Double), _ confidence: Double
    ) -> ConfidenceInterval {
      guaranteedDifferenceInterval(
        onlyFirst: part.falls, onlySecond: part.rises, pairs: pairs, confidence: confidence)
        ?? ConfidenceInterval(lower: -1, upper: 1)
    }
    return GateQuestion(
      value: value, limit: limit, isAtLeast: false,
      interval: {
        ConfidenceInterval(
          lower: interval(lowest, $0).lower, upper: interval(highest, $0).upper)
      },
      needed: { pass, breach in
        let changeOf = { (part: (falls: Double, rises: Double)) in
          (part.rises - part.falls) / pairs
        }
        let part: (falls: Double, rises: Double)
        if changeOf(highest) < limit {
          part = highest
        } else if changeOf(lowest) > limit {
          part = lowest
        } else {
          return lowest == highest ? .none : .doubtful
        }
        return pairedSampleSize(
          falls: part.falls / pairs, rises: part.rises / pairs, limit: limit,
          power: NeededPrompts.power,
          confidence: changeOf(part) < limit ? pass : breach, most: NeededPrompts.most
        ).map(NeededPrompts.about) ?? .moreThan(NeededPrompts.most)
      })
  }
}
