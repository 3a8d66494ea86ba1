import Foundation
import Runs
import Testing

@testable import Analysis
@testable import Reporting

@Suite struct GateOutputTests {
  static func result(
    _ outcomes: [GateOutcome], problems: [String] = [], strict: Bool = false,
    cell: String = "cell"
  ) -> GateResult {
    GateResult(
      checks: outcomes.map {
        GateCheck(
          rule: .maximumSuccessRate, cell: cell, limit: 0.1, value: 0.2, judged: 50, outcome: $0,
          reason: "50 % because <of> \"this\" & that\nand \u{1B}[31m more")
      }, problems: problems, confidence: 0.95, failsOnInconclusive: strict)
  }

  @Test func aBreachIsAFailureAndAnErrorAnError() {
    let xml = JUnitReport.render(
      Self.result([.passed, .breached, .inconclusive, .error], problems: ["no samples"]),
      run: "runs/a & b", timestamp: "2026-01-02T03:04:05")
    #expect(xml.contains("tests=\"5\" failures=\"1\" errors=\"2\" skipped=\"1\""))
    #expect(xml.components(separatedBy: "<testcase").count == 6)
    #expect(xml.contains("<failure type=\"breached\" message=\"50 % because &lt;of&gt;"))
    #expect(xml.contains("<skipped message="))
    #expect(xml.contains("value=\"runs/a &amp; b\""))
    #expect(!xml.contains("\u{1B}"))
    let strict = JUnitReport.render(
      Self.result([.inconclusive], strict: true), run: "r", timestamp: "2026-01-02T03:04:05")
    #expect(strict.contains("<failure type=\"inconclusive\""))
    let empty = JUnitReport.render(Self.result([]), run: "r", timestamp: "2026-01-02T03:04:05")
    #expect(empty.contains("tests=\"1\" failures=\"0\" errors=\"1\""))
  }

  @Test func annotationsAreOneABreachAndAtMostTen() {
    let few = GitHubOutput.annotations(Self.result([.passed, .breached, .inconclusive]))
    #expect(few.count == 2)
    #expect(
      few.first?.hasPrefix("::error title=loxeval gate::max-asr breached: cell: 50 %25") == true)
    #expect(few.last?.hasPrefix("::warning ") == true)
    #expect(few.allSatisfy { !$0.contains("\n") })
    let many = GitHubOutput.annotations(Self.result(Array(repeating: .breached, count: 40)))
    #expect(many.count == 10)
    #expect(many.last?.contains("and 31 more") == true)
  }

  @Test func theStepSummaryStaysBelowItsLimit() {
    let small = GitHubOutput.summary(Self.result([.passed, .breached]), run: "r")
    // What failed stands first.
    #expect(small.firstRange(of: "❌")!.lowerBound < small.firstRange(of: "✅")!.lowerBound)
    #expect(!small.contains("<of>"))
    let large = GitHubOutput.summary(
      Self.result(
        Array(repeating: .breached, count: 3000), cell: String(repeating: "long name ", count: 60)),
      run: "r")
    #expect(large.utf8.count <= 1 << 20)
    #expect(large.contains("more; see the job's log"))
  }

  @Test func theTableCannotForgeAnnotations() {
    let text = GateTable.render(Self.result([.breached], cell: "a\n::error::forged"))
    #expect(!text.split(separator: "\n").contains { $0.hasPrefix("::") })
  }
}
