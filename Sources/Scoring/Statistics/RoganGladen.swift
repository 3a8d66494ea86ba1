/// A rate that was corrected for what is known of its judge's mistakes.
package struct CorrectedRate: Codable, Hashable, Sendable {
  package var rate: Double
  package var interval: ConfidenceInterval

  package init(rate: Double, interval: ConfidenceInterval) {
    self.rate = rate
    self.interval = interval
  }
}

/// The rate that a judge without mistakes would find (W. J. Rogan and B. Gladen, 1978), with the
/// interval of Z. Lang and J. Reiczigel (2014), which also carries what is not known of the judge:
///
///     rate = (q + Sp − 1) / (Se + Sp − 1), kept within [0, 1]
///
/// with q the observed rate, Se the judge's sensitivity (labelled positives that it finds) and Sp
/// its specificity (labelled negatives that it leaves). The interval adds z²/2 successes in z²
/// trials to q and one in two to Se and Sp, takes the delta method's standard error, and shifts the
/// centre by `2z² (rate · Se(1−Se)/n_Se − (1−rate) · Sp(1−Sp)/n_Sp)`.
///
/// - Parameters:
///   - rate: q, in [0, 1].
///   - trials: what q rests on; an effective size, where samples are clustered.
/// - Returns: nil without trials, without labelled replies of either kind, or where the judge is no
///   better than chance (Se + Sp ≤ 1): then nothing can be said.
package func roganGladen(
  rate: Double, trials: Double, sensitivity: (successes: Int, trials: Int),
  specificity: (successes: Int, trials: Int), confidence: Double = 0.95
) -> CorrectedRate? {
  guard trials > 0, sensitivity.trials > 0, specificity.trials > 0 else { return nil }
  let observedSensitivity = Double(sensitivity.successes) / Double(sensitivity.trials)
  let observedSpecificity = Double(specificity.successes) / Double(specificity.trials)
  guard observedSensitivity + observedSpecificity > 1 else { return nil }
  let estimate =
    (rate + observedSpecificity - 1) / (observedSensitivity + observedSpecificity - 1)

  let z = normalQuantile((1 + confidence) / 2)
  let n = trials + z * z
  let q = (rate * trials + z * z / 2) / n
  let (positives, negatives) = (Double(sensitivity.trials + 2), Double(specificity.trials + 2))
  let se = Double(sensitivity.successes + 1) / positives
  let sp = Double(specificity.successes + 1) / negatives
  let youden = se + sp - 1
  // Few labelled replies can pull the adjusted values to chance although the observed ones are not.
  guard youden > 0 else { return nil }
  let centre = (q + sp - 1) / youden
  let (doubtOfSe, doubtOfSp) = (se * (1 - se) / positives, sp * (1 - sp) / negatives)
  let deviation =
    (q * (1 - q) / n + doubtOfSe * centre * centre + doubtOfSp * (1 - centre) * (1 - centre))
    .squareRoot() / youden
  let shift = 2 * z * z * (centre * doubtOfSe - (1 - centre) * doubtOfSp)
  func within(_ value: Double) -> Double { min(1, max(0, value)) }
  return CorrectedRate(
    rate: within(estimate),
    interval: ConfidenceInterval(
      lower: within(centre + shift - z * deviation), upper: within(centre + shift + z * deviation)))
}
