/// The evidence that a rate is on one side of a limit, prompt by prompt: an e-process, which may be
/// looked at after every prompt and continued at will.
///
/// Half of the error may be spent at a number of prompts that was fixed beforehand, by an exact test
/// there; the other half by looks at any time, before it and after:
///
///     E = chance/ε + (1 − size/ε) · capital,   size ≤ ε/2
///
/// with a ``PlannedLook`` of the first sample of each prompt and a ``BettingMixture`` of each prompt's
/// share. Both are supermartingales if the rate is on the other side, and E is 1 at the start, so it
/// reaches 1/ε with a probability of at most ε.
package struct SequentialEvidence: Sendable {
  package let level: Double
  private var mixture: BettingMixture
  private let look: PlannedLook?
  private var (successes, seen) = (0, 0)

  /// - Parameters:
  ///   - side: where the rate is suspected to lie.
  ///   - limit: in (0, 1).
  ///   - level: ε, the probability of a false decision.
  ///   - horizon: the prompts of the planned look; nil looks at any time alike.
  package init(
    _ side: BettingMixture.Side, _ limit: Double, level: Double, horizon: Int? = nil
  ) {
    precondition(level > 0 && level < 1)
    self.level = level
    mixture = BettingMixture(side, limit)
    look = horizon.map { PlannedLook(side, limit, prompts: $0, level: level / 2) }
  }

  /// - Parameters:
  ///   - share: of a prompt's samples that count as successes, in [0, 1].
  ///   - first: whether its first sample does.
  package mutating func observe(share: Double, first: Bool) {
    mixture.observe(share)
    guard let look, seen < look.prompts else { return }
    seen += 1
    if first { successes += 1 }
  }

  /// E; decided where it is at least 1/level.
  package var value: Double {
    guard let look else { return mixture.capital }
    return combined(look, chance: look.chance(successes: successes, seen: seen), mixture.capital)
  }

  package var isConclusive: Bool { value >= (1 - 1e-9) / level }

  /// Whether so many successes of so many prompts of one sample each decide, all of them before the
  /// planned look or at it.
  func decides(successes: Int, prompts: Int) -> Bool {
    let capital = mixture.capital(successes: successes, failures: prompts - successes)
    guard let look else { return capital >= (1 - 1e-9) / level }
    let chance = look.chance(successes: successes, seen: prompts)
    return combined(look, chance: chance, capital) >= (1 - 1e-9) / level
  }

  private func combined(_ look: PlannedLook, chance: Double, _ capital: Double) -> Double {
    chance / level + (1 - look.size / level) * capital
  }
}
