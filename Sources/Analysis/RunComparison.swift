import ModelAccess
package import Runs
package import Scoring
package import StudyDesign

/// Two or more runs side by side: each row that several of them have, paired with the first run prompt by prompt
/// where both asked the same.
package struct RunComparison: Sendable {
  /// A run with its name.
  package struct Run: Sendable {
    package let name: String
    package let stored: StoredRun
    package let summary: Summary

    package init(name: String, _ stored: StoredRun) {
      self.name = name
      self.stored = stored
      summary = stored.summary
    }

    var manifest: RunManifest { stored.manifest }
  }

  /// What of one run stands in a row.
  package struct Entry: Sendable {
    package let share: Share
    package let prompts: Int
    /// Against the first run; nil for that itself, and where no prompt is the same.
    package var change: RateComparison?
    /// After Holm's correction over all comparisons.
    package var adjustedPValue: Double?

    package var isSignificant: Bool { adjustedPValue.map { $0 < Findings.significance } ?? false }
  }

  package struct Row: Sendable {
    package let dataset: String
    package let judge: String
    package let attack: String
    package let promptAttack: String
    package let treatment: Treatment
    package let quantity: Quantity
    /// One for each run; nil where it lacks the row.
    package var entries: [Entry?]
  }

  package let names: [String]
  package let rows: [Row]
  /// What runs do not share that decides replies, such as `temperature`: then a difference may come of it.
  package let differences: [String]

  private struct Key: Hashable {
    let treatment: Treatment
    let attack, promptAttack, dataset, judge: String
  }

  /// - Precondition: there are two runs at least.
  package init(_ runs: [Run]) {
    names = runs.map(\.name)
    differences = Self.differences(runs)
    func key(_ row: SummaryRow) -> Key {
      Key(
        treatment: row.treatment, attack: row.attack, promptAttack: row.promptAttack,
        dataset: row.dataset, judge: row.judge)
    }
    let tables = runs.map { run in
      Dictionary(run.summary.rows.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
    }
    let outcomes = runs.map(\.stored.outcomes)
    let keys = Findings.distinct(runs.flatMap { $0.summary.rows.map(key) })
    var rows = keys.compactMap { key -> Row? in
      let found = tables.map { $0[key] }
      guard let any = found.compactMap(\.self).first,
        let quantity = Self.quantity(any, in: runs[found.firstIndex { $0 != nil } ?? 0])
      else { return nil }
      let entries = runs.indices.map { index -> Entry? in
        guard let row = found[index], let share = Share(quantity, of: row) else { return nil }
        let change =
          index > 0
          ? found[0].flatMap {
            Self.change(
              from: outcomes[0][$0.cell], to: outcomes[index][row.cell], key.judge,
              quantity,
              seed: runs[0].manifest.plan.seed)
          } : nil
        return Entry(share: share, prompts: row.prompts, change: change)
      }
      guard entries.contains(where: { $0 != nil }) else { return nil }
      return Row(
        dataset: key.dataset, judge: key.judge, attack: key.attack, promptAttack: key.promptAttack,
        treatment: key.treatment, quantity: quantity, entries: entries)
    }
    let places = rows.indices.flatMap { row in
      rows[row].entries.indices.filter { rows[row].entries[$0]?.change != nil }.map { (row, $0) }
    }
    let values = places.map { rows[$0.0].entries[$0.1]?.change?.pValue ?? 1 }
    for ((row, entry), adjusted) in zip(places, holmCorrection(values)) {
      rows[row].entries[entry]?.adjustedPValue = adjusted
    }
    self.rows = rows
  }

  private static func quantity(_ row: SummaryRow, in run: Run) -> Quantity? {
    if run.summary.datasets[row.dataset]?.kind == .benign {
      return row.utility != nil ? .utility : row.overRefusal != nil ? .overRefusal : .answered
    }
    return .successRate
  }

  /// On the prompts that have one id and one text in both.
  private static func change(
    from first: CellOutcomes, to second: CellOutcomes, _ judge: String, _ quantity: Quantity,
    seed: UInt64
  ) -> RateComparison? {
    let texts = Dictionary(
      first.map { ($0.id, $0.prompt.text) }, uniquingKeysWith: { first, _ in first })
    let others = Dictionary(
      second.map { ($0.id, $0.prompt.text) }, uniquingKeysWith: { first, _ in first })
    let isSuccess: (Verdict) -> Bool =
      quantity == .overRefusal ? { $0 == .refused } : { $0 == .complied }
    func outcomes(_ samples: CellOutcomes) -> PromptOutcomes {
      PromptOutcomes(samples, judge: judge, isSuccess).filter { texts[$0] == others[$0] }
    }
    return RateComparison(of: outcomes(first), and: outcomes(second), seed: seed)
  }

  /// Attacks of one name that a run makes otherwise than the first one.
  private static func attackDifferences(_ runs: [Run]) -> [String] {
    let bases = runs.map { ComparisonBasis($0.manifest.plan) }
    return Findings.distinct(bases.dropFirst().flatMap { $0.attackDifferences(from: bases[0]) })
  }

  private static func differences(_ runs: [Run]) -> [String] {
    func values(_ name: String, _ value: (RunManifest.Plan) -> String) -> String? {
      let found = Findings.distinct(runs.map { value($0.manifest.plan) })
      return found.count > 1 ? "\(name): \(found.joined(separator: ", "))" : nil
    }
    return [
      values("temperature") { "\($0.decoding.temperature)" },
      values("new tokens at most") { "\($0.decoding.maxTokens)" },
      values("samples a prompt") { "\($0.samples)" },
      values("model family") { $0.family ?? "unknown" },
      values("arithmetic") { $0.arithmetic ?? "float32" },
      values("judge") { "\($0.judge) (\($0.judgeConfiguration.prefix(24)))" },
    ].compactMap(\.self) + attackDifferences(runs)
  }
}
