/// The exact binomial test at a number of prompts that was fixed beforehand, as a martingale that can be
/// looked at before: the chance, were the rate the limit, that the test will reject from here on.
///
/// It starts at the test's size, ends at 1 (rejected) or 0, and in between is a conditional expectation
/// (the conditional error of H.-H. Müller and H. Schäfer, 2001). Added to other evidence it lends the
/// power of a test that is looked at once.
package struct PlannedLook: Sendable {
  let side: BettingMixture.Side
  let limit: Double
  package let prompts: Int
  /// Successes at which the test rejects: so many or fewer (below), so many or more (above); nil where
  /// none would do at this level.
  package let border: Int?
  /// The probability of rejecting if the rate is the limit.
  package let size: Double

  /// - Parameter level: the size is the largest possible one at or below it.
  package init(_ side: BettingMixture.Side, _ limit: Double, prompts: Int, level: Double) {
    precondition(prompts > 0 && limit > 0 && limit < 1)
    (self.side, self.limit, self.prompts) = (side, limit, prompts)
    var (border, size): (Int?, Double) = (nil, 0)
    for count in side == .below ? Array(0...prompts) : (0...prompts).reversed() {
      let next = size + Binomial.probability(count, of: prompts, at: limit)
      if next > level { break }
      (border, size) = (count, next)
    }
    (self.border, self.size) = (border, size)
  }

  /// The chance of rejecting after so many successes in so many prompts.
  ///
  /// - Precondition: seen ≤ prompts.
  package func chance(successes: Int, seen: Int) -> Double {
    precondition(seen <= prompts && successes <= seen)
    guard let border else { return 0 }
    let left = prompts - seen
    let wanted = border - successes
    switch side {
    case .below:
      if wanted < 0 { return 0 }
      return left == 0 ? 1 : Binomial.atMost(Double(wanted), of: Double(left), at: limit)
    case .above:
      if wanted > left { return 0 }
      return wanted <= 0 ? 1 : Binomial.atLeast(Double(wanted), of: Double(left), at: limit)
    }
  }
}
