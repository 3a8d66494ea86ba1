package import Scoring
import StudyDesign

/// Where a run that goes on until it is decided stands: a function of its plan, of the evidence it began
/// with and of its samples, so that a run that was killed goes on as if it had not been.
///
/// All cells begin with the first batch. A cell goes on while a check of its own is undecided, or one of
/// a cell that is compared with it; it ends at the prompts that its set has in the plan. Each batch is
/// asked whole before it is looked at.
package struct SequentialRun: Sendable {
  package struct State: Sendable {
    /// What is still to be asked in the batch that is under way: prompts of each cell, in their order.
    package var open: [(cell: Cell, prompts: [String])] = []
    /// Each check with all that was counted, and what it comes to.
    package var checks:
      [(check: LimitCheck, ledger: SequentialLedger, decision: SequentialTest.Decision)] = []

    package var isFinished: Bool { open.isEmpty }

    /// How many checks have which decision.
    package func count(_ decision: SequentialTest.Decision) -> Int {
      checks.count { $0.decision == decision }
    }
  }

  /// A check with what was counted for it.
  private struct Counting: Sendable {
    let check: LimitCheck
    var ledger: SequentialLedger
    var test: SequentialTest

    init(_ check: LimitCheck, _ ledger: SequentialLedger) {
      self.check = check
      self.ledger = ledger
      test = ledger.test
    }

    mutating func count(_ seen: [(String, SequentialTest.Observation)]) {
      let new = ledger.count(seen.map { (prompt: $0.0, seen: $0.1) })
      for entry in ledger.entries.suffix(new) { test.observe(entry.seen) }
    }
  }

  private let plan: RunManifest.Plan
  private let baseline: SequentialBaseline?
  private let start: [Counting]
  /// The ids of each set's prompts, in the order in which they are asked.
  private let prompts: [String: [String]]

  /// - Parameters:
  ///   - book: the evidence that the run goes on from, without the run's own.
  ///   - prompts: of each set all that may be asked, in order.
  package init(
    _ plan: RunManifest.Plan, _ sequential: SequentialPlan, book: LedgerBook? = nil,
    prompts: [String: [String]]
  ) {
    self.plan = plan
    self.prompts = prompts
    baseline = sequential.baseline
    let checks = plan.checks(sequential.limits)
    let levels = SequentialLevels(confidence: sequential.limits.confidence, checks: checks.count)
    start = checks.map { check in
      let dataset = plan.distinctCells.first { $0.id == check.cell }?.dataset ?? ""
      return Counting(
        check,
        book?.ledger(of: check)
          ?? levels.ledger(check, horizon: plan.datasets[dataset]?.prompts ?? 1))
    }
  }

  package func state(of outcomes: SampleOutcomes) -> State {
    let cells = plan.distinctCells
    var state = State()
    var ledgers = start
    let byCell = Dictionary(
      cells.map { ($0.id, PromptReplies(outcomes[$0.id], each: plan.samples)) },
      uniquingKeysWith: { first, _ in first })
    func most(_ cell: Cell) -> Int {
      min(prompts[cell.dataset]?.count ?? 0, plan.datasets[cell.dataset]?.prompts ?? 0)
    }
    var going = Set(cells.map(\.id))
    var counted: [CellID: Int] = [:]
    for look in SequentialPlan.looks(upTo: cells.map(most).max() ?? 0) {
      for cell in cells where going.contains(cell.id) {
        let ids = (prompts[cell.dataset] ?? []).prefix(min(look, most(cell)))
        let missing = ids.filter { !(byCell[cell.id]?.isWhole($0) ?? false) }
        if !missing.isEmpty { state.open.append((cell, missing)) }
      }
      guard state.open.isEmpty else { break }
      for index in ledgers.indices where going.contains(ledgers[index].check.cell) {
        let check = ledgers[index].check
        guard let cell = cells.first(where: { $0.id == check.cell }) else { continue }
        let ids = (prompts[cell.dataset] ?? []).prefix(min(look, most(cell)))
        let before = check.rule == .maximumIncrease ? self.outcomes(before: cell, check) : [:]
        ledgers[index].count(
          ids.dropFirst(counted[cell.id] ?? 0).compactMap { id in
            let verdicts =
              byCell[cell.id]?.verdicts(id, by: check.judge)
              ?? Array(repeating: nil, count: plan.samples)
            if check.rule == .maximumIncrease {
              let mark = byCell[cell.id]?.mark(id) ?? .none
              return before[id].map { (id, $0.change(to: verdicts, mark: mark)) }
            }
            return (id, PromptEvidence.observation(verdicts, check.rule))
          })
      }
      for cell in cells where going.contains(cell.id) { counted[cell.id] = min(look, most(cell)) }
      let undecided = Set(
        ledgers.filter { $0.test.decision == .undecided }.map(\.check.cell))
      let compared = Set(cells.filter { undecided.contains($0.id) }.compactMap(\.baseline))
      going = Set(
        cells.filter { cell in
          going.contains(cell.id) && look < most(cell)
            && (undecided.contains(cell.id) || compared.contains(cell.id))
        }.map(\.id))
      if going.isEmpty { break }
    }
    state.checks = ledgers.map { ($0.check, $0.ledger, $0.test.decision) }
    return state
  }

  /// What a cell's prompts came to in the baseline, by id.
  private func outcomes(
    before cell: Cell, _ check: LimitCheck
  ) -> [String: RecordedOutcomes.Prompt] {
    let prompts = baseline?.outcomes.prompts(
      of: cell.id, dataset: cell.dataset, judge: check.judge)
    return Dictionary(
      (prompts ?? []).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }
}

/// The errors of the tests of a gate.
package struct SequentialLevels: Hashable, Sendable {
  /// Of passing falsely, each check: a gate passes only where all do.
  package let pass: Double
  /// Of breaching falsely, each check: a gate breaches where any does.
  package let breach: Double

  package init(confidence: Double, checks: Int) {
    pass = 1 - confidence
    breach = (1 - confidence) / Double(max(1, checks))
  }

  package func ledger(_ check: LimitCheck, horizon: Int) -> SequentialLedger {
    SequentialLedger(
      check.rule.claim(check.limit), level: pass, breachLevel: breach, horizon: max(1, horizon))
  }
}
