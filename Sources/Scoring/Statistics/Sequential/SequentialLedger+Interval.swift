extension SequentialLedger {
  /// The values of what is tested that the prompts so far do not exclude: a confidence sequence, which
  /// may be looked at as often as the test.
  ///
  /// `upper` is the least limit that would have passed by now ("at least": the least that would have
  /// breached), `lower` likewise from the other side, each by the very test, so that it has passed where
  /// the whole interval keeps the limit. Each end is a one-sided one, of 1 − `level` and 1 −
  /// `breachLevel`. To 1e-4.
  package var interval: ConfidenceInterval {
    let (least, most, isAtLeast) =
      switch claim {
      case .rateAtMost: (0.0, 1.0, false)
      case .rateAtLeast: (0.0, 1.0, true)
      case .increaseAtMost: (-1.0, 1.0, false)
      }
    func ends(at limit: Double, _ decision: SequentialTest.Decision) -> Bool {
      let claim: SequentialTest.Claim =
        switch claim {
        case .rateAtMost: .rateAtMost(limit)
        case .rateAtLeast: .rateAtLeast(limit)
        case .increaseAtMost: .increaseAtMost(limit)
        }
      var test = SequentialTest(
        claim, level: level, breachLevel: breachLevel, horizon: horizon)
      for entry in entries where test.decision == .undecided { test.observe(entry.seen) }
      return test.decision == decision
    }
    /// Where limits begin to end so, going from one that does not to one that does.
    func border(from open: Double, to closed: Double, _ decision: SequentialTest.Decision) -> Double
    {
      var (open, closed) = (open, closed)
      while abs(closed - open) > 1e-4 {
        let middle = (open + closed) / 2
        if ends(at: middle, decision) { closed = middle } else { open = middle }
      }
      return closed
    }
    let below: SequentialTest.Decision = isAtLeast ? .passed : .breached
    let above: SequentialTest.Decision = isAtLeast ? .breached : .passed
    return ConfidenceInterval(
      lower: border(from: most, to: least, below), upper: border(from: least, to: most, above))
  }
}
