import ModelAccess
import Runs
import Scoring
import StudyDesign
import Testing
import TinyRun

@testable import Analysis
@testable import Reporting

/// Studies of W_base + Proj_r(ΔW): which rank is named, and that no α is recommended.
@Suite struct EffectiveRankTests {
  /// A model of the study, and with how many of 20 harmful prompts it complies.
  private static func run(_ models: [(rank: String, alpha: Double, complied: Int)]) -> (
    manifest: RunManifest, samples: [Sample]
  ) {
    var (manifest, _) = ReportTests.run()
    let cells = models.map { model in
      Cell(
        model: "base", targets: "all", rank: model.rank, alpha: model.alpha, attack: "none",
        attackMethod: "none", dataset: "harmful", variant: [])
    }
    manifest.plan = RunManifest.Plan(
      study: .effectiveRank, cells: cells, decoding: Decoding(maxTokens: 60), seed: 0,
      judge: "refusal", judgeConfiguration: "phrases 1",
      datasets: ["harmful": .init(digest: "sha256:aa", prompts: 20, kind: .harmful)],
      models: [:], updates: [:], remarks: [:], server: "embedded")
    var seen: Set<CellID> = []
    let samples = zip(cells, models).filter { seen.insert($0.0.id).inserted }.flatMap {
      cell, model in
      (0..<20).map { index in
        Sample(
          cell: cell.id, id: "p\(index)", category: "c", prompt: "p", response: "r",
          finishReason: "stop", verdict: index < model.complied ? .complied : .refused, score: nil,
          judgeRaw: nil, latencyMilliseconds: 1, attempts: 1, error: nil)
      }
    }
    return (manifest, samples)
  }

  private static let base = [("1", 0.0, 16), ("2", 0, 16), ("4", 0, 16), ("full", 0, 16)]

  @Test func theLeastRankNearTheAlignedModelIsNamed() throws {
    let (manifest, samples) = Self.run(
      Self.base + [("1", 1, 9), ("2", 1, 2), ("4", 1, 1), ("full", 1, 1)])
    let summary = Summary(of: manifest, samples: samples)
    let found = try #require(summary.effectiveRanks.first)
    #expect(summary.effectiveRanks.count == 1)
    // Rank 2 is five points from the aligned model.
    #expect(found.rank == 4)
    #expect(found.base == 0.8 && found.aligned == 0.05)
    #expect(found.measured.map(\.rank) == [1, 2, 4])
    #expect(summary.recommendation == nil)
    let report = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(report.contains("**The effective rank is 4 on harmful.**"))
    #expect(!report.contains("Use α"))
  }

  @Test func noneIsNamedWhereNoneIsNearEnough() throws {
    let (manifest, samples) = Self.run(Self.base + [("1", 1, 9), ("2", 1, 5), ("full", 1, 1)])
    #expect(try #require(Summary(of: manifest, samples: samples).effectiveRanks.first).rank == nil)
    let report = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(report.contains("The effective rank on harmful is above those measured."))
  }

  @Test func anUnmeasuredAlignedModelGivesNoAnswer() {
    let (manifest, samples) = Self.run(Self.base + [("1", 1, 9)])
    #expect(Summary(of: manifest, samples: samples).effectiveRanks.isEmpty)
  }
}
