import Support
import Testing

@testable import Scoring

@Suite struct ChoiceTests {
  private typealias Place = SplitHalfChoice.Place

  private func outcomes(_ prompts: Int, _ isSuccess: (Int) -> Bool) -> PromptOutcomes {
    (0..<prompts).reduce(into: PromptOutcomes()) { $0.add("p-\($1)", isSuccess: isSuccess($1)) }
  }

  private func cost(prompts: Int, rises: Int, falls: Int = 0) throws -> CostBound {
    try #require(
      CostBound(
        .overRefusalIncrease, dataset: "benign", from: outcomes(prompts) { $0 < falls },
        to: outcomes(prompts) { $0 >= prompts - rises }, limit: 0.05,
        confidence: SplitHalfChoice.costConfidence(treatments: 1)))
  }

  @Test func halvesAreOfTheIdAlone() {
    let ids = (0..<1_000).map { "harmful-\($0)" }
    let choosing = ids.filter { Half(of: $0) == .choosing }
    #expect(choosing.count > 440 && choosing.count < 560)
    // The same on every machine and in every release: reports would change otherwise.
    #expect(
      ["harm-001", "harm-002", "harm-003", "p1", "p2"].map { Half(of: $0) }
        == [.choosing, .choosing, .choosing, .choosing, .choosing])
    let all = ids.reduce(into: PromptOutcomes()) { $0.add($1, isSuccess: true) }
    #expect(all.half(.choosing).count + all.half(.reporting).count == 1_000)
  }

  @Test func whatHelpsAndCostsNothingIsShown() throws {
    let place = Place(dataset: "harmful", attack: "a")
    let found = try #require(
      SplitHalfChoice(
        untreated: [place: outcomes(200) { $0 % 10 < 6 }],
        candidates: [
          .init(
            attacked: [place: outcomes(200) { $0 % 10 < 5 }],
            costs: [try cost(prompts: 300, rises: 0)], strength: 1),
          .init(
            attacked: [place: outcomes(200) { $0 % 10 < 2 }],
            costs: [try cost(prompts: 300, rises: 1)], strength: 2),
        ]))
    #expect(found.chosen == 1)
    #expect(found.isSignificant)
    #expect(found.fall.prompts + found.choosingPrompts == 200)
    #expect(found.fall.pairs != nil)
    #expect(found.fall.interval.upper < -0.2)
  }

  @Test func whatIsNotShownToKeepItsLimitsIsTriedLast() throws {
    let place = Place(dataset: "harmful", attack: "a")
    let untreated = [place: outcomes(200) { $0 % 10 < 6 }]
    let better = SplitHalfChoice.Candidate(
      attacked: [place: outcomes(200) { $0 % 10 < 1 }],
      costs: [try cost(prompts: 60, rises: 2)], strength: 2)
    let safe = SplitHalfChoice.Candidate(
      attacked: [place: outcomes(200) { $0 % 10 < 4 }],
      costs: [try cost(prompts: 300, rises: 2)], strength: 1)
    #expect(
      try #require(SplitHalfChoice(untreated: untreated, candidates: [better, safe])).chosen == 1)
    #expect(try #require(SplitHalfChoice(untreated: untreated, candidates: [better])).chosen == 0)
    var excluded = safe
    excluded.isExcluded = true
    #expect(SplitHalfChoice(untreated: untreated, candidates: [excluded]) == nil)
    let broken = SplitHalfChoice.Candidate(
      attacked: safe.attacked(), costs: [try cost(prompts: 300, rises: 30)], strength: 1)
    #expect(SplitHalfChoice(untreated: untreated, candidates: [broken]) == nil)
  }

  /// A defence that moves the harm from one attack to another does not lower the worst case.
  @Test func everyAttackMustFallBelowTheWorst() throws {
    let (a, b) = (Place(dataset: "harmful", attack: "a"), Place(dataset: "harmful", attack: "b"))
    let found = try #require(
      SplitHalfChoice(
        untreated: [a: outcomes(300) { $0 % 10 < 6 }, b: outcomes(300) { $0 % 10 < 1 }],
        candidates: [
          .init(
            attacked: [a: outcomes(300) { $0 % 10 < 1 }, b: outcomes(300) { $0 % 10 >= 4 }],
            costs: [try cost(prompts: 300, rises: 0)], strength: 1)
        ]))
    #expect(found.worst == a && found.place == b)
    #expect(!found.isSignificant)
  }

  @Test func worstAttacksOnDifferentSetsAreComparedAsDifferentPrompts() throws {
    let (a, b) = (Place(dataset: "one", attack: "a"), Place(dataset: "two", attack: "a"))
    let found = try #require(
      SplitHalfChoice(
        untreated: [a: outcomes(300) { $0 % 10 < 8 }, b: outcomes(300) { $0 % 10 < 3 }],
        candidates: [
          .init(
            attacked: [a: outcomes(300) { $0 % 10 < 1 }, b: outcomes(300) { $0 % 10 < 3 }],
            costs: [try cost(prompts: 300, rises: 0)], strength: 1)
        ]))
    #expect(found.worst == a && found.place == b)
    #expect(found.fall.pairs == nil)
    #expect(found.isSignificant)
  }

  @Test func withoutPromptsNothingIsChosen() throws {
    let place = Place(dataset: "harmful", attack: "a")
    let empty = SplitHalfChoice.Candidate(
      attacked: [place: PromptOutcomes()], costs: [try cost(prompts: 300, rises: 0)], strength: 1)
    #expect(SplitHalfChoice(untreated: [:], candidates: [empty]) == nil)
    #expect(SplitHalfChoice(untreated: [place: PromptOutcomes()], candidates: [empty]) == nil)
    let one = outcomes(1) { _ in true }
    #expect(
      SplitHalfChoice(
        untreated: [place: one],
        candidates: [.init(attacked: [place: one], costs: [], strength: 1)]) == nil)
  }

  @Test func costsSayWhatWouldShowThem() throws {
    let few = try cost(prompts: 60, rises: 1, falls: 1)
    #expect(few.value == 0 && !few.isKept && !few.isBroken)
    let needed = try #require(few.needed)
    let more = try cost(prompts: 3 * 60, rises: 3, falls: 3)
    #expect(needed > 60)
    #expect(more.isKept == (needed <= 180))
    let broken = try cost(prompts: 60, rises: 6)
    #expect(broken.isBroken && broken.needed == nil)
    let most = try #require(
      CostBound(
        .overRefusal, dataset: "benign", of: outcomes(100) { $0 < 45 }, limit: 0.5,
        confidence: 0.95))
    #expect(most.value == 0.45 && !most.isKept)
    #expect(most.needed ?? 0 > 100)
  }

  /// 9 α and 2 attacks on which nothing does anything.
  @Test func noiseIsHardlyEverRecommended() throws {
    let bound = try cost(prompts: 300, rises: 0)
    var generator = SplitMix64(seed: 4)
    var recommended = 0
    for _ in 0..<200 {
      func noise() -> [Place: PromptOutcomes] {
        Dictionary(
          uniqueKeysWithValues: (0..<2).map { attack in
            (
              Place(dataset: "harmful", attack: "\(attack)"),
              outcomes(60) { _ in generator.nextUnit() < 0.5 }
            )
          })
      }
      let found = SplitHalfChoice(
        untreated: noise(),
        candidates: (1...8).map { .init(attacked: noise(), costs: [bound], strength: Double($0)) })
      if try #require(found).isSignificant { recommended += 1 }
    }
    #expect(recommended <= 10)
  }

  // MARK: - Ranks

  @Test func ranksAreBracketedFromBothSides() {
    let reference = outcomes(400) { $0 < 20 }
    // Rank 4 differs on 24 prompts, 14 of them for the worse.
    let models = [(1, 0..<300), (2, 0..<60), (4, 10..<34), (8, 0..<20), (16, 0..<20)].map {
      size, complied in (size: size, outcomes: outcomes(400) { complied.contains($0) })
    }
    let found = StepDownRank(models, reference: reference, tolerance: 0.05)
    #expect(found.shownWorse == 2)
    #expect(found.shownNear == 4)
    let strict = StepDownRank(models, reference: reference, tolerance: 0.01)
    #expect(strict.shownNear == 8)
    let few = StepDownRank(
      [(size: 1, outcomes: outcomes(20) { $0 < 2 })], reference: outcomes(20) { $0 < 1 },
      tolerance: 0.01)
    #expect(few.shownWorse == nil && few.shownNear == nil)
  }
}
