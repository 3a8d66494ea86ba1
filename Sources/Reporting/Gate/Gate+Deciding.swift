import Analysis
import Runs
import Scoring

extension Gate {
  /// The limits on the chosen cells of a run, with the prompts that each has and what was measured.
  func lines(
    of run: GateSubject
  ) throws(GateError) -> [(
    rule: GateRule, limit: Double, cell: String, prompts: Int, value: Double?
  )] {
    var problems: [String] = []
    let cells = GateCells(run: run, baseline: run, limits: limits, confidence: confidence(run))
    let rows = try selection.rows(of: run.summary)
    return plan(run, limits.maximumIncrease == nil ? nil : run, rows, cells, &problems).map {
      item in
      let value = cells.question(item.rule, item.limit, item.row)?.value
      // Of a run that goes on until it is decided, what it may ask.
      let prompts =
        run.manifest?.plan.sequential == nil
        ? item.row.n / max(1, item.row.samples)
        : run.summary.datasets[item.row.dataset]?.prompts ?? 0
      return (item.rule, item.limit, cells.name(item.row), prompts, value)
    }
  }

  /// Decides by what the run has, looked at once.
  func once(_ planned: [Planned], _ cells: GateCells) -> [GateCheck] {
    var checks: [GateCheck?] = planned.map { item in
      if let unsound = cells.unsound(item.rule, item.limit, item.row) { return unsound }
      return item.rule == .maximumIncrease && cells.isUnchanged(item.row)
        ? cells.unchanged(item.limit, item.row) : nil
    }
    let open = planned.indices.filter { checks[$0] == nil }
    let questions = open.map {
      cells.question(planned[$0].rule, planned[$0].limit, planned[$0].row)
    }
    let outcomes = GateDecisions.decide(questions.compactMap(\.self), confidence: cells.confidence)
    var next = outcomes.makeIterator()
    for (place, question) in zip(open, questions) {
      let item = planned[place]
      guard let question, let outcome = next.next() else {
        checks[place] = GateCheck(
          rule: item.rule, cell: cells.name(item.row), limit: item.limit, judged: item.row.judged,
          outcome: .error, reason: "nothing measures it")
        continue
      }
      checks[place] = cells.check(
        item.rule, item.row, question, outcome, among: outcomes.count)
    }
    return checks.compactMap(\.self)
  }

  /// Decides by all that was counted, in whatever runs.
  func sequentially(
    _ planned: [Planned], _ cells: GateCells, _ manifest: RunManifest, _ outcomes: SampleOutcomes,
    _ ledger: GateLedger?
  ) throws(LedgerError) -> (checks: [GateCheck], notes: [String], book: LedgerBook?) {
    func check(_ item: Planned) -> LimitCheck {
      LimitCheck(
        rule: item.rule, limit: item.limit, cell: item.row.cell, judge: item.row.judge)
    }
    var gate = try SequentialGate(
      cells, manifest, outcomes, checks: planned.map(check), ledger: ledger)
    var checks: [GateCheck] = []
    for item in planned {
      if let unsound = cells.unsound(item.rule, item.limit, item.row) {
        checks.append(unsound)
        continue
      }
      let found = gate.check(check(item), item.row)
      let isUnchanged = item.rule == .maximumIncrease && cells.isUnchanged(item.row)
      checks.append(isUnchanged ? cells.unchanged(item.limit, item.row) : found)
    }
    return (checks, gate.notes, gate.book)
  }
}
