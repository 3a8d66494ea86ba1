import ModelAccess
import Runs
import Scoring
import StudyDesign
import TestSupport
import Testing
import TinyRun

@testable import Analysis

/// Whether treated models can still be taught a task.
@Suite struct AdaptabilityTests {
  private static let lox = Treatment.lox(1)
  private static let strong = Treatment.lox(2)
  private static let repair = Treatment.Arm(method: "wise-ft", stage: .afterAttack)
    .treatment(at: 0.5)

  /// - Parameter right: how many of 40 sums each treatment solves before and after the training.
  private static func found(
    _ right: [(Treatment, before: Int?, after: Int)],
    method: AttackID.Method = .lora, judge: String = ExactMatchJudge.name
  ) -> Summary {
    var (manifest, _) = makeManifest(prompts: 40)
    func cell(_ treatment: Treatment, _ attack: AttackID) -> Cell {
      Cell(
        model: "m", targets: "all", treatment: treatment, attack: attack, dataset: "sums",
        variant: [])
    }
    let training = AttackID(label: "lessons", method: method, recipe: "r")
    let cells = right.flatMap { entry in
      (entry.before.map { [(cell(entry.0, .none), $0)] } ?? [])
        + [(cell(entry.0, training), entry.after)]
    }
    manifest.plan.cells = cells.map(\.0)
    manifest.plan.datasets = [
      "sums": .init(digest: "sha256:1", prompts: 40, kind: .benign, judges: ["refusal", judge])
    ]
    let samples = cells.flatMap { cell, count in
      (0..<40).map { index in
        Sample(
          cell: cell.id, id: "p\(index)", category: "c", prompt: "sum \(index)", judge: "refusal",
          judgements: [
            "refusal": Judgement(verdict: .complied),
            judge: Judgement(verdict: index < count ? .complied : .unsuccessful),
          ], response: "…")
      }
    }
    return Summary(of: manifest, samples: samples)
  }

  @Test func eachTreatmentsGainAndItsDistanceToTheUndefendedAreTested() throws {
    let summary = Self.found([
      (.none, 4, 36), (Self.lox, 4, 34), (Self.strong, 2, 8), (Self.repair, nil, 2),
    ])
    let found = try #require(summary.adaptability)
    #expect(found.map(\.treatment) == [.none, Self.lox, Self.strong])
    expectClose(found[0].gain.change, 32.0 / 40, tolerance: 1e-12)
    #expect(found[0].againstUndefended == nil && found[0].adjustedPValue == nil)
    expectClose(try #require(found[1].againstUndefended).change, -2.0 / 40, tolerance: 1e-12)
    expectClose(try #require(found[2].againstUndefended).change, -28.0 / 40, tolerance: 1e-12)
    #expect(found.map(\.outcome) == [.notShown, .notShown, .lost])
    // Holm: the smaller of two p-values is doubled.
    expectClose(
      try #require(found[2].adjustedPValue),
      2 * (try #require(found[2].againstUndefended).pValue), tolerance: 1e-15)
    let said = Findings(summary: summary).adaptabilityVerdict
    #expect(said.count == 1)
    let text = said.joined().map { "\($0)" }.joined()
    #expect(text.contains("10.0 %") && text.contains("90.0 %") && text.contains("(1 of 2)"))
  }

  /// Of a training that teaches nothing, of a change that is no training, and of replies that nobody compares with
  /// a reference there is nothing to say.
  @Test func whatTeachesNothingSaysNothing() {
    #expect(Self.found([(.none, 20, 21), (Self.lox, 20, 2)]).adaptability == nil)
    #expect(Self.found([(.none, 30, 4), (Self.lox, 30, 4)]).adaptability == nil)
    #expect(Self.found([(.none, 4, 36), (Self.lox, 4, 4)], method: .synthetic).adaptability == nil)
    #expect(Self.found([(.none, 4, 36), (Self.lox, 4, 4)], judge: "ngram").adaptability == nil)
  }
}
