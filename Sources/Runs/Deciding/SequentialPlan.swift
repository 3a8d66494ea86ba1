/// How a run goes on until its limits are decided.
package struct SequentialPlan: Codable, Hashable, Sendable {
  /// What is decided, and how surely.
  package var limits: GateLimits
  /// Digest of the evidence that it goes on from; nil where it begins afresh.
  package var ledger: String?
  /// What the attack success rate is compared with; nil without a limit on its increase.
  package var baseline: SequentialBaseline?

  package init(
    limits: GateLimits, ledger: String? = nil, baseline: SequentialBaseline? = nil
  ) {
    self.limits = limits
    self.ledger = ledger
    self.baseline = baseline
  }

  /// After how many prompts of a set there is a look, up to the most that are asked: 20, then half as
  /// many again each time. The test may be looked at after every prompt; fewer looks keep a server busy.
  package static func looks(upTo most: Int) -> [Int] {
    guard most > 0 else { return [] }
    var looks: [Int] = []
    var next = 20
    while next < most {
      looks.append(next)
      next += (next + 1) / 2
    }
    return looks + [most]
  }
}
