import Analysis
import ArgumentParser
import Foundation
import Reporting
import Runs
import Studies
import Support

/// Writes a run's reports and says what came out and where it is.
///
/// - Parameters:
///   - ledger: what a run that goes on until it is decided has counted in.
/// - Throws: where a cell has no verdict at all: what is not measured is not done; the exit code of a run
///   that goes on until it is decided.
private func finish(
  _ run: StoredRun, _ console: Console, ledger: EvidenceLedger?
) throws {
  var found: Summary?
  try RunReports.write(of: run) { found = $0 }
  guard let summary = found else { return }
  Screen.shared.print(SummaryTable.render(summary))
  let lost = try LostSamples(run, folder: run.url.relativePath)
  if let sentence = lost.sentence { Screen.shared.print(sentence) }
  for found in summary.effectiveRanks {
    let rank = found.rank.map(String.init) ?? "above those measured"
    Screen.shared.print("effective rank on \(found.dataset): \(rank)")
  }
  let page = run.url.appending(path: "report.html").relativePath
  console.note("the report is at \(page) (for reading and sharing, with curves) and report.md")
  try summary.requireVerdicts(quoting: lost)
  guard let sequential = run.manifest.plan.sequential else { return }
  let result = Gate(limits: sequential.limits).check(
    GateSubject(summary: summary, run: run),
    ledger: try ledger?.gateLedger)
  Screen.shared.print("\n" + GateTable.render(result))
  if result.exitCode != 0 { throw ExitCode(result.exitCode) }
}

extension RunFolder {
  /// Writes the reports of the run and says what came out.
  func finish(_ console: Console, ledger: EvidenceLedger? = nil) throws {
    try loxeval.finish(try run, console, ledger: ledger)
  }
}

extension StoredRun {
  /// Writes the reports of the run and says what came out.
  func finish(_ console: Console) throws {
    try loxeval.finish(self, console, ledger: nil)
  }
}

extension EvidenceLedger {
  /// As it was left by the run.
  fileprivate var gateLedger: GateLedger {
    get throws { GateLedger(path: path, book: try current, isFresh: false) }
  }
}
