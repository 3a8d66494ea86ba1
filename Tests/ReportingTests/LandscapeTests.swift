import Foundation
import ModelAccess
import Runs
import Scoring
import StudyDesign
import Testing
import TinyRun

@testable import Analysis
@testable import Reporting

/// What a landscape's pages and files say of a made-up grid.
@Suite struct LandscapeTests {
  static let arm = Treatment.Arm(method: .lox, parameters: ["rank": .integer(6)])
  static let alphas = [0, 0.5, 1]
  static let strengths = [0, 0.5, 1, 1.5]

  static func attack(_ t: Double) -> AttackID {
    guard t > 0 else { return .none }
    return AttackID(
      label: "shift@t\(t)", method: .lora, recipe: "sha256:9", seed: 0,
      direction: AttackID.Direction(scale: t, orthogonalTo: arm))
  }

  /// Thirty prompts, each of which gives way from a t of its own on, later with more of LoX; at α = 1 fewer than
  /// half ever do.
  static func run(losses: Bool = true) -> (RunManifest, [Sample]) {
    let cells = strengths.flatMap { t in
      alphas.map { alpha in
        Cell(
          model: "aligned", targets: "all", treatment: arm.treatment(at: alpha),
          attack: attack(t), dataset: "harmful", variant: [])
      }
    }
    let manifest = RunManifest(
      plan: RunManifest.Plan(
        study: .landscape, cells: cells, decoding: Decoding(maxTokens: 32), seed: 3,
        judge: "refusal", judgeConfiguration: "phrases 1",
        datasets: ["harmful": .init(digest: "sha256:aa", prompts: 30, kind: .harmful)],
        models: ["base": "sha256:01", "aligned": "sha256:02"],
        updates: ["lox-r6": "sha256:03", "shift-orthogonal": "sha256:04"],
        remarks: ["shift@t1.0": "made once"], server: "embedded",
        landscape: .init(defence: arm, attack: "shift", refusals: losses ? "sha256:05" : nil),
        geometry: .init(
          along: -0.25, cosine: -0.1, defenceNorm: 2, attackNorm: 5, orthogonalNorm: 4.975)),
      environment: RunManifest.Environment(
        command: "loxeval landscape --alpha 0..1:0.5", version: "0.0.0",
        createdAt: "2026-01-02T03:04:05Z", threads: 2, blas: "OpenBLAS", instructions: "avx2",
        platform: "Linux"))
    let samples = cells.flatMap { cell -> [Sample] in
      let (alpha, t) = (cell.treatment.strength, cell.attack.direction?.scale ?? 0)
      return (0..<30).map { index in
        // From 0.1 to 1.5 over the prompts, and 0.4 further for each half of α.
        let threshold = 0.1 + Double(index) * 1.4 / 29 + 0.8 * alpha
        let complied = t >= threshold
        var sample = Sample(
          cell: cell.id, id: "p\(index)", category: "c", prompt: "prompt \(index)",
          response: complied ? "Sure." : "I'm sorry, but I can't help with that.",
          verdict: complied ? .complied : .refused)
        if losses { sample.refusalLoss = 0.2 + max(0, t - 0.5 * alpha) + 0.01 * Double(index % 5) }
        return sample
      }
    }
    return (manifest, samples)
  }

  static func surface(losses: Bool = true) throws -> LandscapeSurface {
    let (manifest, samples) = run(losses: losses)
    return try #require(Summary(of: manifest, samples: samples).landscape?.first)
  }

  @Test func distancesAreThoseOfTheGrid() throws {
    let surface = try Self.surface()
    #expect(surface.points.count == 12)
    #expect(surface.alphas == Self.alphas && surface.strengths == Self.strengths)
    #expect(surface.reaches.map(\.alpha) == Self.alphas)
    // 9 of 30 have given way at t = 0.5 and 19 at 1: half of them at 0.8.
    let first = try #require(surface.reaches[0].distance.distance)
    #expect(abs(first - 0.8) < 1e-9)
    let second = try #require(surface.reaches[1].distance.distance)
    #expect(second > first)
    #expect(surface.reaches[0].gain == nil)
    let gain = try #require(surface.reaches[1].gain)
    #expect(abs(gain.difference - (second - first)) < 1e-9 && gain.bound == .exact)
    #expect(gain.interval.lower > 0)
    // Not reached: no number of its own, and the difference is at least what was seen.
    #expect(surface.reaches[2].distance.distance == nil)
    #expect(surface.reaches[2].gain?.bound == .atLeast)
    #expect(surface.reaches[2].outcome == "not reached within t = 1.5")
  }

  @Test func aRunThatIsNotDoneHasNoDistances() throws {
    var (manifest, samples) = Self.run()
    let last = manifest.plan.cells[11].id
    samples.removeAll { $0.cell == last }
    let summary = Summary(of: manifest, samples: samples)
    #expect(summary.landscape?.first?.reaches.isEmpty == true)
    #expect(summary.recommendation == nil)
    let page = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(page.contains("not every model of the grid was measured yet"))
    let html = try HTMLReport(manifest: manifest, samples: samples).render()
    #expect(html.contains("not measured"))
  }

  @Test func withoutALossThePageSaysWhy() throws {
    let (manifest, samples) = Self.run(losses: false)
    let page = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(page.contains("The loss on short refusals was not measured"))
    let html = try HTMLReport(manifest: manifest, samples: samples).render()
    #expect(html.contains("chart surface") && !html.contains("Loss on short refusals"))
    let lines = LandscapeCSV.render(try #require(Summary(of: manifest, samples: samples).landscape))
      .split(separator: "\n")
    #expect(lines.dropFirst().allSatisfy { $0.hasSuffix(",0,,,") })
  }

  @Test(arguments: ["landscape.md", "landscape.html", "landscape.csv"])
  func pagesMatchTheirSnapshots(name: String) throws {
    let (manifest, samples) = Self.run()
    let page = ReportPage(manifest: manifest, samples: samples, isRedacted: false)
    let text =
      switch name {
      case "landscape.md": MarkdownReport(page: page).render()
      case "landscape.csv": LandscapeCSV.render(page.summary.landscape ?? [])
      default: HTMLRenderer.render(page.landscape, samples: "") + "\n"
      }
    let file = ReportTests.snapshots.appending(path: name)
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
      try Data(text.utf8).write(to: file)
      Issue.record("recorded \(name); look at it and run again")
      return
    }
    let expected = try? String(contentsOf: file, encoding: .utf8)
    #expect(text == expected, "differs from \(name); RECORD_SNAPSHOTS=1 rewrites")
  }

  /// The same summary from the file that it was written to.
  @Test func summariesAreReadAgain() throws {
    let (manifest, samples) = Self.run()
    let summary = Summary(of: manifest, samples: samples)
    let copy = try Summary(reading: JSONEncoder().encode(summary))
    #expect(copy.landscape == summary.landscape && copy.contradiction == nil)
  }
}
