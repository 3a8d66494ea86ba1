import ModelAccess
import Runs
import Scoring
import StudyDesign
import Testing
import TinyRun

@testable import Analysis

/// Which trainings count as seeds of one kind, and what is said of their number.
@Suite struct VariationTests {
  private typealias Run = FindingsTests

  @Test func trainingsOfOneRecipeAreCountedTogether() throws {
    let cells = [
      Run.cell(.none), Run.cell(Run.attack("s0", seed: 0, kind: "shift")),
      Run.cell(Run.attack("other", seed: 0, kind: "other")),
      Run.cell(Run.attack("s1", seed: 1, kind: "shift")),
      Run.cell(Run.attack("s2", seed: 2, kind: "shift")),
    ]
    let hits = [0, 2, 5, 10, 18]
    let found = try #require(
      Run.summary(zip(cells, hits).map { ($0, Run.prompts($1, of: 20)) }).variation)
    #expect(found.map(\.attack) == ["none", "s0", "other"])
    #expect(found.map(\.trainings.count) == [0, 3, 1])
    let shift = found[1]
    #expect(shift.trainings.map(\.seed) == [0, 1, 2])
    #expect(shift.trainings.map(\.rate) == [0.1, 0.5, 0.9])
    let spread = try #require(shift.spread)
    #expect(spread.median == 0.5 && spread.medianInterval == nil)
    #expect(spread.range == ConfidenceInterval(lower: 0.1, upper: 0.9))
    #expect(try #require(shift.shares?.training) > 0.3)
    // Of one training nothing is known of the next.
    #expect(found[2].components?.trainings == 1 && found[2].shares?.training == nil)
    #expect(found[0].spread == nil && found[0].shares == nil)
  }

  @Test func sixTrainingsGiveAnInterval() throws {
    let cells = (0..<6).map { Run.cell(Run.attack("s\($0)", seed: UInt64($0), kind: "shift")) }
    let found = try #require(
      Run.summary(
        cells.enumerated().map { ($1, Run.prompts(3 * ($0 + 1), of: 20)) }
      ).variation?.first)
    #expect(found.trainings.count == 6)
    #expect(
      found.spread?.medianInterval == ConfidenceInterval(lower: 0.15, upper: 0.9))
  }

  /// A treatment is compared with the untreated model seed by seed: where trainings differ much, the change may
  /// differ little. Without the same seeds there is nothing to compare.
  @Test func aTreatmentIsComparedSeedBySeed() throws {
    let attacks = (0..<3).map { Run.attack("s\($0)", seed: UInt64($0), kind: "shift") }
    let cells = attacks.map { Run.cell($0) } + attacks.map { Run.cell($0, .lox(1)) }
    let hits = [4, 10, 18, 2, 7, 15]
    let found = try #require(
      Run.summary(zip(cells, hits).map { ($0, Run.prompts($1, of: 20)) }).variation)
    #expect(found.map(\.treatment.isNone) == [true, false])
    #expect(found[0].change == nil)
    let change = try #require(found[1].change)
    #expect(zip(change.rates, [-0.15, -0.15, -0.1]).allSatisfy { abs($0 - $1) < 1e-12 })
    let others = try #require(
      Run.summary(zip(cells.dropFirst(), hits).map { ($0, Run.prompts($1, of: 20)) }).variation)
    #expect(others.allSatisfy { $0.change == nil })
  }

  /// The same training under two labels is one; other steps of a training, other treatments and trainings
  /// of unknown recipe are no further seeds.
  @Test func whatIsNoFurtherSeed() throws {
    var early = Run.attack("early", kind: "shift")
    early.step = 10
    var again = Run.attack("again", kind: "shift")
    again.recipe = Run.attack("s0").recipe
    let attacks = [
      Run.attack("s0", kind: "shift"), again, early, Run.attack("x", method: .imported),
      Run.attack("y", method: .imported),
    ]
    let found = try #require(
      Run.summary(attacks.map { (Run.cell($0), Run.prompts(5, of: 20)) }).variation)
    #expect(found.map(\.attack) == ["s0", "early", "x", "y"])
    #expect(found.allSatisfy { $0.trainings.count == 1 })
    let treated = try #require(
      Run.summary([
        (Run.cell(attacks[0]), Run.prompts(5, of: 20)),
        (Run.cell(attacks[0], .lox(1)), Run.prompts(2, of: 20)),
      ]).variation)
    #expect(treated.map(\.trainings.count) == [1, 1])
  }

  /// Judges of the ladder answer another question: they are no second judge of this one.
  @Test func rungsAreNoSecondJudge() throws {
    let further: (String, Bool) -> [String: Judgement] = { _, _ in
      ["willing": Judgement(verdict: .refused), "on-subject": Judgement(verdict: .refused)]
    }
    let found = Run.summary(
      [(Run.cell(.none), Run.prompts(10, of: 20))], ladder: ["willing": "w", "on-subject": "o"],
      judgements: further)
    let variation = try #require(found.variation?.first)
    #expect(variation.components?.judges == 1)
    #expect(variation.shares?.judge == nil && variation.shares?.prompt == 1)
    #expect(found.judgeAgreement.isEmpty)
  }
}
