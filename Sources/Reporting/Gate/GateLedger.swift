import Analysis
package import Runs
import Scoring
import StudyDesign

/// The ledger that a gate goes on from.
package struct GateLedger: Sendable {
  /// Its file, for people.
  package var path: String
  /// What is kept there; nil where nothing is.
  package var book: LedgerBook?
  /// Whether it is to begin anew whatever is kept.
  package var isFresh: Bool

  package init(path: String, book: LedgerBook?, isFresh: Bool) {
    self.path = path
    self.book = book
    self.isFresh = isFresh
  }
}

/// Limits that are decided by tests which may be looked at on the way, and continued by a ledger.
struct SequentialGate {
  let cells: GateCells
  let manifest: RunManifest
  /// As the gate is called, not what is kept: all checks, without evidence.
  private(set) var book: LedgerBook
  private(set) var notes: [String] = []
  private let order: PromptOrder
  private let run: String
  private let outcomes: SampleOutcomes

  /// - Throws: `LedgerError` where the ledger's evidence is about something else.
  init(
    _ cells: GateCells, _ manifest: RunManifest, _ outcomes: SampleOutcomes, checks: [LimitCheck],
    ledger: GateLedger?
  ) throws(LedgerError) {
    self.cells = cells
    self.manifest = manifest
    order = PromptOrder(seed: manifest.plan.seed)
    run = manifest.ledgerName
    self.outcomes = outcomes
    let baseline = cells.baseline?.summary.outcomes?.digest ?? cells.kept?.digest
    book = LedgerBook(
      manifest.plan, checks, confidence: cells.confidence, baseline: baseline)
    guard let ledger else { return }
    guard let kept = ledger.book else {
      notes = ["ledger \(ledger.path): begun"]
      return
    }
    let differences = book.differences(from: kept)
    if ledger.isFresh {
      book.restarts = differences.isEmpty ? kept.restarts + 1 : 0
      let count = kept.checks.map(\.counted.count).reduce(0, +)
      notes = [
        "ledger \(ledger.path): begun afresh; the evidence of \(count) prompts that was kept there "
          + (differences.isEmpty ? "is set aside" : "was of another model or claim")
      ]
    } else {
      guard differences.isEmpty else {
        throw .otherClaim(path: ledger.path, differences: differences)
      }
      book = kept
      notes = ["ledger \(ledger.path): goes on"]
    }
    if book.restarts > 0 {
      let times = book.restarts == 1 ? "once" : "\(book.restarts) times"
      notes.append(
        "this ledger was begun afresh \(times) for the same model and limits: its errors hold for "
          + "each beginning alone, and the best of several proves less")
    }
  }

  /// Counts what the run shows for a check, and decides it by all that was counted.
  mutating func check(_ check: LimitCheck, _ row: SummaryRow) -> GateCheck {
    let before = book.ledger(of: check)?.entries.count ?? 0
    let seen = observations(check, row)
    book.count(check, seen, of: run)
    let ledger =
      book.ledger(of: check)
      ?? SequentialLevels(confidence: cells.confidence, checks: 1).ledger(check, horizon: 1)
    let (interval, rule) = (ledger.interval, check.rule)
    let count = ledger.entries.count
    let outcome: GateOutcome =
      switch ledger.test.decision {
      case .passed: .passed
      case .breached: .breached
      case .undecided: isAtItsEnd(row) ? .undecided : .inconclusive
      }
    let value =
      ledger.entries.reduce(0) { $0 + ($1.seen.lowest + $1.seen.highest) / 2 }
      / Double(max(1, count))
    let doubtful = ledger.entries.count { $0.seen.lowest != $0.seen.highest }
    return GateCheck(
      rule: rule, cell: cells.name(row), limit: check.limit, value: value, interval: interval,
      judged: count, doubtful: doubtful, outcome: outcome,
      reason: reason(check, ledger, interval, outcome, before: before, value: value))
  }

  /// Whether the run goes on until it is decided and has asked of this cell all that it may.
  private func isAtItsEnd(_ row: SummaryRow) -> Bool {
    guard manifest.plan.sequential != nil else { return false }
    let asked = Set(outcomes[row.cell].map(\.id)).count
    return asked >= manifest.plan.datasets[row.dataset]?.prompts ?? 0
  }

  private func observations(
    _ check: LimitCheck, _ row: SummaryRow
  ) -> [(prompt: String, seen: SequentialTest.Observation)] {
    if check.rule == .maximumIncrease {
      return order.sorted(cells.changes(row)?.seen ?? [], by: \.prompt)
    }
    let replies = PromptReplies(outcomes[row.cell], each: manifest.plan.samples)
    return order.sorted(replies.prompts).map { id in
      (id, PromptEvidence.observation(replies.verdicts(id, by: check.judge), check.rule))
    }
  }

  private func reason(
    _ check: LimitCheck, _ ledger: SequentialLedger, _ interval: ConfidenceInterval,
    _ outcome: GateOutcome, before: Int, value: Double
  ) -> String {
    let count = ledger.entries.count
    let isLeast = check.rule == .minimumUtility
    let shown = { GateCells.shown(check.rule, $0) }
    let kept = before > 0 ? " (\(before) of an earlier look or run)" : ""
    let opening = "after \(count) prompt\(count == 1 ? "" : "s")\(kept)"
    let limits = "the sequential interval is \(shown(interval.lower)) to \(shown(interval.upper))"
    switch outcome {
    case .passed:
      return
        "\(opening) it is shown to be at \(isLeast ? "least" : "most") \(shown(check.limit)); \(limits)"
    case .breached:
      return
        "\(opening) it is shown to be \(isLeast ? "below" : "above") \(shown(check.limit)); \(limits)"
    default:
      let state =
        outcome == .undecided
        ? "\(opening), all that the run may ask, it is undecided" : "\(opening) it is undecided"
      return "\(state); \(limits); \(GateCells.said(needed(check, ledger, value), shown(value)))"
    }
  }

  private func needed(
    _ check: LimitCheck, _ ledger: SequentialLedger, _ value: Double
  ) -> NeededPrompts {
    guard check.rule != .maximumIncrease else {
      let changes = ledger.entries.map(\.seen)
      return GateQuestion.increase(atMost: check.limit, value: value, changes: changes)
        .needed(1 - 2 * ledger.level, 1 - 2 * ledger.breachLevel)
    }
    guard value != check.limit else { return .none }
    let most = 3_000
    let (rate, limit) =
      check.rule == .minimumUtility ? (1 - value, 1 - check.limit) : (value, check.limit)
    guard limit > 0, limit < 1 else { return .none }
    return sequentialSampleSize(
      rate: rate, limit: limit, power: NeededPrompts.power, level: ledger.level,
      breachLevel: ledger.breachLevel, most: most
    ).map(NeededPrompts.about) ?? .moreThan(most)
  }
}
