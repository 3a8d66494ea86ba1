import Analysis
package import Runs
import StudyDesign

extension GateSubject {
  /// This baseline as a run that goes on until it is decided compares itself with it.
  ///
  /// - Parameters:
  ///   - run: what will be asked of whom; nothing of it is asked yet.
  ///   - prompts: ids of the prompts that may be asked, by set.
  /// - Throws: ``GateError/otherBaseline(problems:)`` where they cannot be compared.
  package func baseline(
    of run: RunManifest, limits: GateLimits, prompts: [String: [String]]
  ) throws(GateError) -> SequentialBaseline {
    let subject = GateSubject(
      summary: Summary(of: run, .none(of: run.plan)), manifest: run)
    var problems = subject.problems(since: self)
    let gate = Gate(limits: limits)
    let cells = GateCells(
      run: subject, baseline: self, limits: limits, confidence: limits.confidence)
    problems += gate.missing(from: subject, since: self).map {
      "the baseline measured \(cells.name($0)) and the run will not"
    }
    var found:
      [(cell: CellID, dataset: String, judge: String, prompts: [RecordedOutcomes.Prompt])] = []
    let rows = Dictionary(
      subject.summary.rows.map { ([$0.cell.rawValue, $0.judge], $0) },
      uniquingKeysWith: { first, _ in first })
    for check in run.plan.checks(limits) where check.rule == .maximumIncrease {
      guard let row = rows[[check.cell.rawValue, check.judge]] else { continue }
      guard let before = self.row(like: row) else {
        problems.append("the baseline did not measure \(cells.name(row))")
        continue
      }
      guard let kept = outcomes(of: before) else {
        problems.append(
          "the baseline does not hold what each prompt came to; write it anew with `loxeval report`"
        )
        break
      }
      let known = Dictionary(kept.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
      let asked = (prompts[row.dataset] ?? []).sorted()
      let lacking = asked.count { known[$0] == nil }
      if lacking > 0 {
        problems.append(
          "the baseline lacks \(lacking) of the \(asked.count) prompts of \(row.dataset) that may be asked; "
            + "agree on a run that asked them all")
      }
      found.append((row.cell, row.dataset, row.judge, asked.compactMap { known[$0] }))
    }
    guard problems.isEmpty else { throw .otherBaseline(problems: problems) }
    let judges = Set(found.map(\.judge)).map { ($0, run.plan.judges[$0] ?? "") }
    return SequentialBaseline(
      digest: summary.outcomes?.digest ?? "",
      judges: Dictionary(judges, uniquingKeysWith: { first, _ in first }), cells: found)
  }
}
