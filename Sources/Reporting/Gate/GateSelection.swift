import Analysis
import Runs
import StudyDesign
import Support

/// Which cells a gate looks at.
package struct GateSelection: Hashable, Sendable {
  /// Which α.
  package enum Alphas: Hashable, Sendable {
    /// Every α > 0 where the run has any: the models with LoX. Where it has none, α = 0.
    case extrapolated
    /// All, α = 0 among them.
    case all
    /// The α and rank that the run recommends.
    case recommended
    case values([Double])
  }

  package var alphas: Alphas
  /// nil: all.
  package var ranks: [String]?
  /// By method; nil: all.
  package var defences: [String]?
  /// nil: all; over-refusal and utility are then looked at before any attack.
  package var attacks: [String]?
  package var datasets: [String]?
  /// nil: the first judge of each set.
  package var judges: [String]?

  package init(
    alphas: Alphas = .extrapolated, ranks: [String]? = nil, defences: [String]? = nil,
    attacks: [String]? = nil, datasets: [String]? = nil, judges: [String]? = nil
  ) {
    self.alphas = alphas
    self.ranks = ranks
    self.defences = defences
    self.attacks = attacks
    self.datasets = datasets
    self.judges = judges
  }

  /// The rows of a run that are chosen, judges aside. The untreated model has no rank, so none leaves it
  /// out.
  ///
  /// - Throws: ``GateError/noSuchCell`` for a value that the run does not have, so that a misspelt
  ///   filter never passes.
  func rows(of summary: Summary) throws(GateError) -> [SummaryRow] {
    let rows = summary.rows
    try check("attack", attacks, rows.map(\.attack))
    try check("rank", ranks, rows.map(\.rank).filter { !$0.isEmpty })
    try check("defence", defences, rows.map(\.treatment.method.rawValue))
    try check("dataset", datasets, rows.map(\.dataset))
    try check("judge", judges, rows.map(\.judge))
    if case .values(let values) = alphas {
      try check("alpha", values.map(Number.text), rows.map { Number.text($0.alpha) })
    }
    return rows.filter(try chooser(for: summary))
  }

  /// The rows of a run's baseline that would be chosen if they were the run's.
  func rows(of baseline: Summary, asIn run: Summary) throws(GateError) -> [SummaryRow] {
    baseline.rows.filter(try chooser(for: run))
  }

  private func chooser(for run: Summary) throws(GateError) -> (SummaryRow) -> Bool {
    let isPlace = try places(of: run)
    return { row in
      isPlace(row)
        && (attacks?.contains(row.attack) ?? true)
        && (row.treatment.isNone || (ranks?.contains(row.rank) ?? true))
        && (defences?.contains(row.treatment.method.rawValue) ?? true)
        && (datasets?.contains(row.dataset) ?? true)
    }
  }

  private func places(of run: Summary) throws(GateError) -> (SummaryRow) -> Bool {
    switch alphas {
    case .all: return { _ in true }
    case .extrapolated:
      // Who names the model without a defence wants it.
      let takesUntreated =
        !run.rows.contains { !$0.treatment.isNone }
        || defences?.contains(Treatment.none.method.rawValue) == true
      return { takesUntreated || !$0.treatment.isNone }
    case .recommended:
      guard let treatment = run.recommendation?.treatment else {
        throw .nothingRecommended(
          reason: run.recommendation?.reason ?? "the run has no choice of α")
      }
      return { $0.treatment == treatment }
    case .values(let values): return { values.contains($0.alpha) }
    }
  }

  private func check(
    _ field: String, _ wanted: [String]?, _ found: [String]
  ) throws(GateError) {
    for value in wanted ?? [] where !found.contains(value) {
      var seen: Set<String> = []
      throw .noSuchCell(
        field: field, value: value, found: found.filter { seen.insert($0).inserted })
    }
  }

  /// Whether a row is judged by a judge that the gate listens to.
  func listens(to row: SummaryRow, leading: Bool) -> Bool {
    judges.map { $0.contains(row.judge) } ?? leading
  }
}
