import Testing

@testable import Scoring

/// What intervals must not do, beside the values of the golden files.
@Suite struct IntervalTests {
  private func outcomes(_ successes: [Int: Int], prompts: Int, samples: Int) -> [PromptOutcome] {
    (0..<prompts).map { PromptOutcome(successes: successes[$0] ?? 0, trials: samples) }
  }

  private func width(_ interval: ConfidenceInterval) -> Double { interval.upper - interval.lower }

  /// A single success tells nothing of how alike the samples of a prompt are, and so sharpens nothing.
  @Test(arguments: [(60, 5), (30, 3), (100, 20)])
  func fewSuccessesBoundNothingTighterThanNone(prompts: Int, samples: Int) throws {
    let limits = try [0, 1, 2, 3, 8].map { count in
      let found = outcomes(
        Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, 1) }), prompts: prompts,
        samples: samples)
      return try #require(clusteredRate(found)).interval
    }
    #expect(limits[0].lower == 0)
    #expect(limits[0].upper == midPInterval(successes: 0, trials: Double(prompts))?.upper)
    #expect(limits.allSatisfy { $0.upper >= limits[0].upper })
    // The same of failures.
    let most = try [0, 1, 2].map { count in
      let found = (0..<prompts).map {
        PromptOutcome(successes: samples - ($0 < count ? 1 : 0), trials: samples)
      }
      return try #require(clusteredRate(found)).interval
    }
    #expect(most.allSatisfy { $0.lower <= most[0].lower })
  }

  @Test func samplesThatAreAllAlikeAreWorthOne() throws {
    let alike = outcomes([0: 5, 3: 5, 7: 5], prompts: 20, samples: 5)
    let found = try #require(clusteredRate(alike))
    #expect(abs(found.effectiveTrials - 20) < 1e-9)
    let plain = try #require(midPInterval(successes: 3, trials: 20))
    #expect(abs(found.interval.lower - plain.lower) < 1e-9)
    #expect(abs(found.interval.upper - plain.upper) < 1e-9)
  }

  @Test func furtherSamplesNeverNarrowADecision() throws {
    for successes in [0, 1, 5, 12] {
      let one = (0..<40).map { PromptOutcome(successes: $0 < successes ? 1 : 0, trials: 1) }
      let many = one.map { PromptOutcome(successes: 7 * $0.successes, trials: 7) }
      let first = try #require(clusteredRate(one, method: .guaranteed))
      let second = try #require(clusteredRate(many, method: .guaranteed))
      #expect(abs(first.interval.lower - second.interval.lower) < 1e-9)
      #expect(abs(first.interval.upper - second.interval.upper) < 1e-9)
    }
  }

  /// Over rates from 0.5 to 50 %, exactly.
  @Test(arguments: [30, 100, 300]) func whatIsClaimedIsCovered(prompts: Int) throws {
    let trials = Double(prompts)
    let shown = try (0...prompts).map {
      try #require(midPInterval(successes: Double($0), trials: trials))
    }
    let gated = try (0...prompts).map {
      try #require(clopperPearsonInterval(successes: Double($0), trials: trials))
    }
    func coverage(_ limits: [ConfidenceInterval], _ rate: Double) -> Double {
      (0...prompts).reduce(0) { sum, count in
        guard limits[count].lower <= rate, rate <= limits[count].upper else { return sum }
        return sum + Binomial.probability(count, of: prompts, at: rate)
      }
    }
    let grid = (1...100).map { 0.005 * Double($0) }
    let mean = grid.reduce(0) { $0 + coverage(shown, $1) } / Double(grid.count)
    #expect(mean >= 0.94)
    #expect(grid.allSatisfy { coverage(gated, $0) >= 0.95 })
  }

  @Test func repliesInDoubtWidenBothWays() throws {
    let outcomes = (0..<100).map { PromptOutcome(successes: $0 < 10 ? 1 : 0, trials: 1) }
    let doubtful = (0..<100).map { $0 >= 95 ? 1 : 0 }
    let found = try #require(WorstCaseRate(outcomes, doubtful: doubtful))
    #expect(found.lowest == 0.1)
    #expect(found.highest == 0.15)
    #expect(found.interval.lower == midPInterval(successes: 10, trials: 100)?.lower)
    #expect(found.interval.upper == midPInterval(successes: 15, trials: 100)?.upper)
    let gated = try #require(WorstCaseRate(outcomes, doubtful: doubtful, method: .guaranteed))
    #expect(gated.interval.upper > found.interval.upper)
    // A model that answers nothing is not shown to be safe.
    let silent = try #require(
      WorstCaseRate(
        outcomes.map { _ in PromptOutcome(successes: 0, trials: 1) },
        doubtful: outcomes.map { _ in 1 }))
    #expect(silent.interval == ConfidenceInterval(lower: 0, upper: 1))
    #expect(WorstCaseRate([], doubtful: []) == nil)
  }

  @Test func unchangedPromptsAreAsSureAsTheirNumber() throws {
    let found = try #require(guaranteedDifferenceInterval(PairedCounts(both: 20, neither: 280)))
    let none = try #require(clopperPearsonInterval(successes: 0, trials: 300))
    #expect(abs(found.upper - none.upper) < 1e-12 && abs(found.lower + none.upper) < 1e-12)
  }

  @Test func agreementOverPromptsIsWiderWhereRepliesOfOneAreAlike() throws {
    // The same verdicts, as one reply to each of 90 prompts and as nine to each of ten.
    let cells = (0..<90).map { index -> [[Int]] in
      switch index {
      case ..<36: [[1, 0], [0, 0]]
      case ..<45: [[0, 1], [0, 0]]
      default: [[0, 0], [0, 1]]
      }
    }
    let grouped = (0..<10).map { prompt in
      cells[(9 * prompt)..<(9 * prompt + 9)].reduce(into: [[0, 0], [0, 0]]) { sum, table in
        for i in 0..<2 { for j in 0..<2 { sum[i][j] += table[i][j] } }
      }
    }
    let apart = try #require(agreement(byPrompt: cells))
    let together = try #require(agreement(byPrompt: grouped))
    #expect(apart.kappa == together.kappa && apart.share == together.share)
    #expect(
      width(try #require(together.kappaInterval)) > 1.3 * width(try #require(apart.kappaInterval)))
    #expect(width(together.shareInterval) > width(apart.shareInterval))
    #expect(agreement(byPrompt: grouped) == together)
    #expect(agreement(byPrompt: []) == nil)
  }

  @Test func perfectAgreementIsNotCertain() throws {
    let tables = (0..<20).map { $0 < 8 ? [[3, 0], [0, 0]] : [[0, 0], [0, 3]] }
    let found = try #require(agreement(byPrompt: tables))
    #expect(found.kappa == 1)
    let interval = try #require(found.kappaInterval)
    #expect(interval.upper == 1 && interval.lower < 0.9 && interval.lower > 0.4)
  }
}
