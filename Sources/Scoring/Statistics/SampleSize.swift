/// The prompts it would take to tell a rate from a limit in a one-sided comparison, if the rate
/// stays what it is:
///
///     n = ((z_c √(L(1 − L)) + z_p √(r(1 − r))) / (r − L))²
///
/// the inverse of Wilson's test of r against L.
///
/// - Parameters:
///   - rate: r, in [0, 1].
///   - limit: L, in [0, 1].
///   - confidence: of the one-sided decision; for a two-sided interval pass (1 + confidence) / 2.
///   - power: the chance that so many prompts decide. 1/2 asks what would just do if the observed
///     rate came out again.
/// - Returns: nil where rate and limit are equal: no number of prompts decides.
package func sampleSize(
  toTell rate: Double, from limit: Double, confidence: Double = 0.95, power: Double = 0.5
) -> Int? {
  wholeSampleSize(
    difference: rate - limit, deviation: (limit * (1 - limit)).squareRoot(),
    alternative: (rate * (1 - rate)).squareRoot(), confidence: confidence, power: power)
}

/// The prompts **each** of two runs on different prompts needs to tell their rates apart (score
/// test with the pooled rate under equality), one-sided; see ``sampleSize(toTell:from:confidence:power:)``.
package func sampleSizeOfDifference(
  first: Double, second: Double, confidence: Double = 0.95, power: Double = 0.8
) -> Int? {
  let pooled = (first + second) / 2
  return wholeSampleSize(
    difference: second - first, deviation: (2 * pooled * (1 - pooled)).squareRoot(),
    alternative: (first * (1 - first) + second * (1 - second)).squareRoot(),
    confidence: confidence, power: power)
}

/// The prompts that two models need to be told apart on the same prompts (R. J. Connor, 1987), one-
/// sided: with ψ the share of prompts on which they differ and δ the difference,
///
///     n = ((z_c √ψ + z_p √(ψ − δ²)) / δ)²
///
/// - Precondition: |difference| ≤ discordant ≤ 1.
package func sampleSizeOfPairedDifference(
  difference: Double, discordant: Double, confidence: Double = 0.95, power: Double = 0.8
) -> Int? {
  precondition(abs(difference) <= discordant && discordant <= 1)
  return wholeSampleSize(
    difference: difference, deviation: discordant.squareRoot(),
    alternative: (discordant - difference * difference).squareRoot(), confidence: confidence,
    power: power)
}

private func wholeSampleSize(
  difference: Double, deviation: Double, alternative: Double, confidence: Double, power: Double
) -> Int? {
  precondition(confidence > 0 && confidence < 1 && power > 0 && power < 1)
  guard difference != 0 else { return nil }
  let root =
    max(0, normalQuantile(confidence) * deviation + normalQuantile(power) * alternative)
    / difference
  // What no study could have is no answer either.
  return root * root < 1e12 ? max(1, Int((root * root - 1e-9).rounded(.up))) : nil
}
