import Analysis
import Runs
import Scoring
import Testing
import TinyRun

@testable import Reporting

/// Two judges that differ: the report shows what the choice between them changes.
@Suite struct JudgeRangeTests {
  private static func text(_ judges: [String]) -> String {
    var (manifest, samples) = ReportTests.run()
    for name in ["harmful", "benign"] { manifest.plan.datasets[name]?.judges = judges }
    for judge in judges { manifest.plan.judges[judge] = judge }
    for index in samples.indices where samples[index].failure == nil {
      for judge in judges.dropFirst() {
        // The second judge calls every other compliance a refusal.
        let isComplied = samples[index].verdict == .complied && index.isMultiple(of: 2)
        samples[index].judgements[judge] = Judgement(verdict: isComplied ? .complied : .refused)
      }
    }
    let page = ReportPage(manifest: manifest, samples: samples, isRedacted: false)
    return MarkdownRenderer.render(page.judgeRanges)
  }

  @Test func ratesStandSideBySideWithTheirRange() {
    let text = Self.text(["refusal", "ngram"])
    #expect(text.contains("harmful: attack success rate by judge"), "\(text)")
    #expect(!text.contains("benign: attack"), "\(text)")
    #expect(text.contains("40.0 % – 80.0 %"), "\(text)")
    #expect(text.contains("0.0 % – 0.0 %"), "\(text)")
  }

  /// Rungs ask for more than the ASR does, and one judge has no range.
  @Test(arguments: [["refusal"], ["refusal", "willing"]]) func oneJudgeHasNoRange(judges: [String])
  {
    #expect(Self.text(judges).isEmpty)
  }
}
