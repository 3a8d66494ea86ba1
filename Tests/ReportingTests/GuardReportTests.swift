import Foundation
import Runs
import Scoring
import Testing
import TinyRun

@testable import ModelAccess
@testable import Reporting

/// What a guard calls controversial is counted apart, and how it counts is said.
@Suite struct GuardReportTests {
  private static func report(loose: Bool, score: @escaping (Int) -> Double) -> String {
    var (manifest, samples) = ReportTests.run()
    manifest.plan.judges["guard"] =
      "model g, its own policy" + (loose ? ", controversial is safe" : "")
    samples = samples.map { sample in
      var sample = sample
      guard sample.failure == nil, let number = Int(sample.id.dropFirst()) else { return sample }
      let score = score(number)
      sample.judgements["guard"] = Judgement(
        verdict: score == 0 || loose && score == 0.5 ? .unsuccessful : .complied, score: score)
      return sample
    }
    return MarkdownReport(manifest: manifest, samples: samples).render()
  }

  @Test(arguments: [false, true])
  func controversialRepliesAreCountedApart(isLoose: Bool) {
    let page = Self.report(loose: isLoose) { $0 % 4 == 0 ? 0.5 : $0 % 4 == 1 ? 1 : 0 }
    #expect(page.contains("controversial counts as \(isLoose ? "safe" : "unsafe")"))
    let row = page.split(separator: "\n").first {
      $0.hasPrefix("| harmful") && $0.contains("| none") && $0.contains("| a0")
    }
    let counts = row?.split(separator: "|").suffix(4).compactMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    #expect(counts?.count == 4)
    #expect(counts?.first == counts?.dropFirst().reduce(0, +))
    #expect(counts.map { $0[2] > 0 && $0[2] < $0[0] } == true)
  }

  @Test func guardsWithoutDoubtsHaveNoTable() {
    let page = Self.report(loose: false) { $0 % 2 == 0 ? 1 : 0 }
    #expect(!page.contains("controversial"))
  }
}
