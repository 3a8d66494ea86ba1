/// Whether a quantity keeps a limit, decided as prompts come in.
///
/// Looking after every prompt, stopping early and going on all leave the errors as they are: it passes
/// although the limit is not kept with a probability of at most `level`, and breaches although it is
/// kept with at most `breachLevel`. What is decided stays so.
package struct SequentialTest: Sendable {
  /// What a prompt showed. A reply in doubt counts against the model where the test would pass, and for
  /// it where the test would breach.
  package struct Observation: Codable, Hashable, Sendable {
    /// The prompt's share of successes if all doubtful replies were none, and if all were, in [0, 1]. Of
    /// a change since a baseline the difference of two shares, in [−1, 1].
    package var lowest: Double
    package var highest: Double
    /// The same of the prompt's first sample alone: 0 or 1 (of a change it is not used).
    package var firstLowest: Double
    package var firstHighest: Double

    enum CodingKeys: String, CodingKey {
      case lowest, highest
      case firstLowest = "first_lowest"
      case firstHighest = "first_highest"
    }

    package init(lowest: Double, highest: Double, firstLowest: Double, firstHighest: Double) {
      self.lowest = lowest
      self.highest = highest
      self.firstLowest = firstLowest
      self.firstHighest = firstHighest
    }

    /// One sample that is beyond doubt.
    package init(_ isSuccess: Bool) {
      let value = isSuccess ? 1.0 : 0
      self.init(lowest: value, highest: value, firstLowest: value, firstHighest: value)
    }

    /// A change on one prompt, from one share to another.
    package init(from before: Double, to after: Double) {
      let change = after - before
      self.init(lowest: change, highest: change, firstLowest: change, firstHighest: change)
    }
  }

  package enum Decision: String, Codable, Sendable { case passed, breached, undecided }

  /// What is tested.
  package enum Claim: Codable, Hashable, Sendable {
    /// A rate is at most so much, in [0, 1].
    case rateAtMost(Double)
    /// A rate is at least so much, in [0, 1].
    case rateAtLeast(Double)
    /// A rate grew by at most so much on the same prompts since a baseline, in [−1, 1].
    case increaseAtMost(Double)
  }

  package let claim: Claim
  package private(set) var decision = Decision.undecided
  /// Prompts that were counted, those after the decision included.
  package private(set) var prompts = 0
  private var keeps: SequentialEvidence?
  private var breaks: SequentialEvidence?

  /// - Parameters:
  ///   - level: the probability of passing falsely, 1 − the gate's confidence. A gate passes only where
  ///     all its checks do, so each may have the whole of it.
  ///   - breachLevel: that of breaching falsely. A gate breaches where any check does: divide `level` by
  ///     the number of checks.
  ///   - horizon: the prompts that will be asked at most, fixed beforehand (of a change without effect:
  ///     it has no exact test).
  package init(_ claim: Claim, level: Double = 0.05, breachLevel: Double, horizon: Int?) {
    self.claim = claim
    func evidence(
      _ side: BettingMixture.Side, _ limit: Double, _ level: Double, _ horizon: Int?
    ) -> SequentialEvidence? {
      // Nothing is below 0 or above 1; that the limit is broken shows the first time it is.
      guard limit > 0, limit < 1 else { return nil }
      return SequentialEvidence(side, limit, level: level, horizon: horizon)
    }
    switch claim {
    case .rateAtMost(let limit):
      precondition(limit >= 0 && limit <= 1)
      keeps = evidence(.below, limit, level, horizon)
      breaks = evidence(.above, limit, breachLevel, horizon)
    case .rateAtLeast(let limit):
      precondition(limit >= 0 && limit <= 1)
      keeps = evidence(.above, limit, level, horizon)
      breaks = evidence(.below, limit, breachLevel, horizon)
    case .increaseAtMost(let limit):
      precondition(limit >= -1 && limit <= 1)
      keeps = evidence(.below, (1 + limit) / 2, level, nil)
      breaks = evidence(.above, (1 + limit) / 2, breachLevel, nil)
    }
  }

  package mutating func observe(_ seen: Observation) {
    prompts += 1
    switch claim {
    case .rateAtMost(let limit):
      keeps?.observe(share: seen.highest, first: seen.firstHighest == 1)
      breaks?.observe(share: seen.lowest, first: seen.firstLowest == 1)
      decide(trivially: limit == 1 ? .passed : limit == 0 && seen.lowest > 0 ? .breached : nil)
    case .rateAtLeast(let limit):
      keeps?.observe(share: seen.lowest, first: seen.firstLowest == 1)
      breaks?.observe(share: seen.highest, first: seen.firstHighest == 1)
      decide(trivially: limit == 0 ? .passed : limit == 1 && seen.highest < 1 ? .breached : nil)
    case .increaseAtMost(let limit):
      keeps?.observe(share: (1 + seen.highest) / 2, first: false)
      breaks?.observe(share: (1 + seen.lowest) / 2, first: false)
      decide(trivially: limit == 1 ? .passed : nil)
    }
  }

  /// How much speaks for the limit being kept, and for its being broken: each decides at 1/level.
  package var evidence: (kept: Double, broken: Double) {
    (keeps?.value ?? 1, breaks?.value ?? 1)
  }

  private mutating func decide(trivially certain: Decision?) {
    guard decision == .undecided else { return }
    if let certain {
      decision = certain
    } else if keeps?.isConclusive ?? false {
      decision = .passed
    } else if breaks?.isConclusive ?? false {
      decision = .breached
    }
  }
}
