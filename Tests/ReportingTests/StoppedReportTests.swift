import Runs
import Scoring
import Testing
import TinyRun

@testable import Reporting

/// What a report says of a run that asked until it was decided.
@Suite struct StoppedReportTests {
  private static let limits = GateLimits(maximumSuccessRate: 0.1)

  /// In Markdown and in HTML.
  private func reports(_ run: GateRun) throws -> [String] {
    [
      MarkdownReport(manifest: run.manifest, samples: run.samples).render(),
      try HTMLReport(manifest: run.manifest, samples: run.samples).render(),
    ]
  }

  @Test func itNamesTheStoppingAndShowsBothIntervals() throws {
    let run = GateRun.of(0, 68).with {
      ($0.sequential, $0.cap) = (SequentialPlan(limits: Self.limits), 300)
    }
    let check = try #require(Gate(limits: Self.limits).check(run.subject).checks.first)
    for report in try reports(run) {
      #expect(report.contains("Stopped when decided"))
      #expect(report.contains("ignore the stopping"))
    }
    let report = try reports(run)[0]
    #expect(report.contains("attack success rate at most 10.0 %"))
    #expect(report.contains(GateTable.interval(check)))
    #expect(report.contains("0.0 % – 4.3 %"), "the interval as if 68 prompts had been fixed")
    // It is wider than the one that knows nothing of the looks.
    #expect(try #require(check.interval).upper > 0.043)
  }

  @Test func aRunThatWentOnFromALedgerPointsThere() throws {
    let run = GateRun.of(0, 45).with {
      ($0.sequential, $0.cap) = (SequentialPlan(limits: Self.limits, ledger: "sha256:5"), 300)
    }
    let report = try reports(run)[0]
    #expect(report.contains("ignore the stopping"))
    #expect(report.contains("loxeval gate with that --ledger"))
    #expect(!report.contains("as if fixed"))
  }

  @Test func anUnfinishedRunShowsNoSequentialInterval() throws {
    let run = GateRun.of(0, 40).with {
      ($0.sequential, $0.cap) = (SequentialPlan(limits: Self.limits), 300)
    }
    let report = try reports(run)[0]
    #expect(report.contains("when the run is finished"))
    #expect(!report.contains("as if fixed"))
  }

  @Test func anOrdinaryRunSaysNothingOfIt() throws {
    for report in try reports(GateRun.of(0, 68)) {
      #expect(!report.contains("Stopped when decided"))
    }
  }
}
