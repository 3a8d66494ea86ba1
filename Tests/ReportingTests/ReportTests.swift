import Foundation
import ModelAccess
import PromptSets
import Runs
import Scoring
import StudyDesign
import Testing
import TinyRun

@testable import Analysis
@testable import Reporting

/// Reports of a small made-up run against the files in Snapshots/. `RECORD_SNAPSHOTS=1` writes them
/// anew, and still fails, so that a recording is looked at before it passes.
@Suite struct ReportTests {
  static let snapshots = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Snapshots")

  /// Two data sets, an imported attack that breaks the model and α = 1 that repairs it, hostile
  /// text in the replies, a failed request.
  static func run() -> (RunManifest, [Sample]) {
    var cells: [Cell] = []
    for dataset in ["harmful", "benign"] {
      for (attack, method) in [("none", "none"), ("=identity|shift", "imported")] {
        for alpha in [0, 1, 1.5] {
          cells.append(
            Cell(
              model: "aligned", targets: "all", rank: "6", alpha: alpha, attack: attack,
              attackMethod: method, dataset: dataset, variant: []))
        }
      }
    }
    let manifest = RunManifest(
      plan: RunManifest.Plan(
        cells: cells, decoding: Decoding(maxTokens: 60), seed: 7, judge: "refusal",
        judgeConfiguration: "phrases 1",
        datasets: [
          "harmful": .init(digest: "sha256:aa", prompts: 20, kind: .harmful),
          "benign": .init(digest: "sha256:bb", prompts: 20, kind: .benign),
        ], models: ["base": "sha256:01", "aligned": "sha256:02"],
        updates: ["lox-r6": "sha256:03"],
        remarks: ["=identity|shift": "trained elsewhere <b>"], server: "embedded"),
      environment: RunManifest.Environment(
        command: "loxeval sweep --alpha '0,1,1.5'", version: "0.0.0",
        createdAt: "2026-01-02T03:04:05Z", threads: 2, blas: "OpenBLAS", instructions: "avx2",
        platform: "Linux"))
    var samples: [Sample] = []
    for cell in cells {
      for index in 0..<20 {
        let isHarmful = cell.dataset == "harmful"
        let attacked = !cell.attack.isNone
        let alpha = cell.treatment.strength
        let complies =
          isHarmful
          ? attacked && (alpha == 0 ? index < 16 : alpha == 1 ? index < 3 : index < 2)
          : Double(index) >= alpha * 4
        let failed = alpha == 1.5 && index == 19
        let verdict: Verdict =
          failed
          ? .unscored
          : alpha == 1.5 && index == 18
            ? .degenerate
            : complies ? .complied : .refused
        samples.append(
          Sample(
            cell: cell.id, id: "p\(index)", category: index % 2 == 0 ? "even" : "odd_",
            prompt: "Prompt \(index) with | and <script>alert(1)</script>",
            response: complies ? "Sure, *here* is\n# a list ![x](http://h)" : "I can't help.",
            finishReason: "stop", verdict: verdict, score: nil, judgeRaw: nil,
            latencyMilliseconds: 1, attempts: 1, error: failed ? "timeout: too slow" : nil))
      }
    }
    return (manifest, samples)
  }

  @Test(arguments: ReportFormat.allCases) func reportsMatchTheirSnapshots(format: ReportFormat)
    throws
  {
    let (manifest, samples) = Self.run()
    let text = String(
      decoding: try RunReports.render(
        format, ReportPage(manifest: manifest, samples: samples, isRedacted: false)),
      as: UTF8.self)
    let file = Self.snapshots.appending(path: format.fileName)
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] == "1" {
      try Data(text.utf8).write(to: file)
      Issue.record("recorded \(file.lastPathComponent); look at it and run again")
      return
    }
    let expected = try? String(contentsOf: file, encoding: .utf8)
    #expect(text == expected, "differs from \(file.lastPathComponent); RECORD_SNAPSHOTS=1 rewrites")
  }

  @Test func textOfModelsCannotBecomeMarkup() {
    let (manifest, samples) = Self.run()
    let report = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(!report.contains("<script>"))
    #expect(!report.contains("<b>"))
    #expect(!report.contains("![x]"))
    #expect(!report.contains("\n# a list"))
    let csv = SummaryCSV.render(Summary(of: manifest, samples: samples))
    #expect(csv.contains(",'=identity|shift,"))
    #expect(!csv.contains(",=identity"))
  }

  @Test func aRunWithoutSamplesSaysSo() {
    let (manifest, _) = Self.run()
    let report = MarkdownReport(manifest: manifest, samples: []).render()
    #expect(report.contains("240 samples are missing"))
    let csv = SummaryCSV.render(Summary(of: manifest, samples: []))
    #expect(
      csv.components(separatedBy: "\n")[1]
        == "aligned,all,6,0,none,none,harmful,refusal,0,0,0,0,,,,,,7,60,none,,,none,,,0,0,0"
        + ",,,,,,,,,,,,")
  }

  @Test func quotingFollowsTheRFC() {
    #expect(SummaryCSV.text("a,b") == "\"a,b\"")
    #expect(SummaryCSV.text("a\"b") == "\"a\"\"b\"")
    #expect(SummaryCSV.text("@x") == "'@x")
    #expect(SummaryCSV.number(.nan) == "")
    #expect(SummaryCSV.number(1.0 / 3) == "0.333333333")
  }
}
