import Foundation
import PromptSets
package import Runs
import Scoring

/// What a run is compared with, from what it will ask of whom and the ids of the prompts that it may ask,
/// by set. It throws where the two cannot be compared.
package typealias FindBaseline =
  @Sendable (RunManifest, [String: [String]]) throws -> SequentialBaseline

extension Measurement {
  /// Goes on until limits are decided instead of asking every prompt.
  ///
  /// Prompts are asked in the run's shuffled order, those that the ledger has counted left out.
  ///
  /// - Parameters:
  ///   - most: prompts of each set; nil asks up to all of it.
  ///   - ledger: held from here to the end of the run.
  ///   - isFresh: whether the ledger begins anew.
  ///   - findBaseline: of a limit on the increase since one.
  package mutating func decide(
    _ limits: GateLimits, atMost most: Int?, ledger file: LedgerFile?, isFresh: Bool,
    since findBaseline: FindBaseline? = nil
  ) {
    self.findBaseline = findBaseline
    let begun = resume ? (try? RunManifest.read(from: output))?.ledgerName : nil
    let ledger = file.map { EvidenceLedger($0, isFresh: isFresh, run: begun) }
    let order = PromptOrder(seed: seed)
    for index in datasets.indices {
      var prompts = order.sorted(datasets[index].prompts, by: \.id)
      if let file, let counted = ledger?.start?.exhausted(in: datasets[index].name) {
        let left = prompts.filter { !counted.contains($0.id) }
        if left.isEmpty {
          nothingToAsk = .everythingCounted(path: file.url.path, dataset: datasets[index].name)
        } else {
          prompts = left
        }
      }
      datasets[index].prompts = most.map { Array(prompts.prefix($0)) } ?? prompts
    }
    if let file, let book = ledger?.start, !book.checks.isEmpty,
      book.checks.allSatisfy({ $0.ledger.test.decision != .undecided })
    {
      nothingToAsk = .everythingDecided(path: file.url.path)
    }
    self.ledger = ledger
    sequential = SequentialPlan(limits: limits, ledger: ledger.map { $0.start?.evidence ?? "none" })
  }

  /// Refuses limits that nothing measures, and a ledger of another model or claim, before anything is
  /// asked.
  func requireDecidable(_ manifest: RunManifest) throws {
    guard let sequential else { return }
    let checks = manifest.plan.checks(sequential.limits)
    for rule in GateRule.allCases where sequential.limits[rule] != nil {
      guard checks.contains(where: { $0.rule == rule }) else {
        throw StudyError.nothingMeasures(rule)
      }
    }
    // Before attacks are trained nobody knows them.
    let isWhole =
      !manifest.plan.updates.isEmpty || manifest.plan.cells.allSatisfy(\.variant.isEmpty)
    try ledger?.requireSameClaims(
      manifest.plan, checks, sequential.limits, knowsUpdates: isWhole)
    if isWhole, let nothingToAsk { throw nothingToAsk }
  }
}

/// A ledger that a run counts in while it goes on.
package struct EvidenceLedger: Sendable {
  let file: LedgerFile
  /// What the run goes on from: what was counted before it.
  let start: LedgerBook?
  /// What is set aside by a fresh beginning.
  private let replaced: LedgerBook?

  /// Of its file, for people.
  package var path: String { file.url.relativePath }

  /// What is kept now.
  package var current: LedgerBook? {
    get throws { try LedgerFile.read(file.url) }
  }

  /// - Parameters:
  ///   - run: the run that is continued, by the name that a ledger has for it.
  init(_ file: LedgerFile, isFresh: Bool, run: String?) {
    self.file = file
    // A run that began the ledger afresh and is continued has done so already.
    let isBegun = run.map { file.book?.holds(run: $0) ?? false } ?? false
    let before = run.flatMap { file.book?.without(run: $0) } ?? file.book
    start = isFresh && !isBegun ? nil : before
    replaced = isFresh && !isBegun ? file.book : nil
  }

  func requireSameClaims(
    _ plan: RunManifest.Plan, _ checks: [LimitCheck], _ limits: GateLimits, knowsUpdates: Bool
  ) throws(LedgerError) {
    guard let start else { return }
    let differences = LedgerBook(
      plan, checks, confidence: limits.confidence, baseline: plan.sequential?.baseline?.digest
    ).differences(from: start, knowsUpdates: knowsUpdates)
    guard differences.isEmpty else {
      throw .otherClaim(path: file.url.path, differences: differences)
    }
  }

  /// Counts in the ledger what a run shows.
  struct Counting: Sendable {
    let file: LedgerFile
    let start: LedgerBook
    let run: String

    /// Keeps what a look found, so that it counts however the run ends.
    func keep(_ look: SequentialRun.State) throws {
      var book = start
      for (check, ledger, _) in look.checks {
        book.count(check, ledger.entries.map { ($0.prompt, $0.seen) }, of: run)
      }
      try file.write(book)
    }
  }

  func counting(_ manifest: RunManifest) throws -> Counting? {
    guard let sequential = manifest.plan.sequential else { return nil }
    let checks = manifest.plan.checks(sequential.limits)
    var book =
      start
      ?? LedgerBook(
        manifest.plan, checks, confidence: sequential.limits.confidence,
        baseline: sequential.baseline?.digest)
    if let replaced, book.differences(from: replaced).isEmpty {
      book.restarts = replaced.restarts + 1
    }
    return Counting(file: file, start: book, run: manifest.ledgerName)
  }
}
