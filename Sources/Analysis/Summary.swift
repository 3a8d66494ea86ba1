package import Foundation
import ModelAccess
package import Runs
package import Scoring
import StudyDesign
import Support

/// What a run found, from its manifest and its journal alone.
package struct Summary: Codable, Sendable {
  package var schema = Migrations.current
  /// A row for each cell and each judge of its set, the set's first judge first.
  package var rows: [SummaryRow]
  package var datasets: [String: RunManifest.Plan.Dataset]
  package var remarks: [String: String]
  /// Samples that are still to be asked.
  package var missing: Int
  /// How far judges agree on whether replies complied, for each two judges of a harmful set.
  package var judgeAgreement: [JudgeAgreement]
  /// How good the judges were found to be on labelled replies of elsewhere, in runs of earlier releases.
  package var judgeQuality: [JudgeQuality]
  /// What labels of the run's own replies say of the judges, and which rates were corrected; nil without
  /// such labels.
  package var corrections: [RateCorrection]?
  /// What decides whether another run may be compared; nil in summaries of the first release.
  package var basis: ComparisonBasis?
  /// What each prompt came to, so that another run can be compared prompt by prompt; nil in summaries of
  /// earlier releases.
  package var outcomes: RecordedOutcomes?
  /// The α to use; nil for runs that have no choice of them.
  package var recommendation: Recommendation?
  /// Of a study for it, one for each harmful set.
  package var effectiveRanks: [EffectiveRank]
  /// What each attack does to the untreated model, by each harmful set's primary judge; nil in files of
  /// earlier releases.
  package var attackEffects: [AttackEffect]?
  /// LoX against its controls; nil where none was measured, and in files of earlier releases.
  package var controls: [ControlComparison]?
  /// Whether treated models can still be taught; nil where no training taught the undefended model anything,
  /// and in files of earlier releases.
  package var adaptability: [Adaptability]?
  /// What the verdicts on harmful sets vary by; nil in files of earlier releases.
  package var variation: [Variation]?
  /// How attack success grows along trainings that were measured after given steps; nil where none was.
  package var severity: [Severity]?
  /// What attackers' searches came to; nil where none was measured.
  package var searches: [AttackSearchResult]?
  /// Of a landscape, one for each harmful set; nil for other studies.
  package var landscape: [LandscapeSurface]?

  enum CodingKeys: String, CodingKey {
    case schema, rows, datasets, remarks, missing, basis, outcomes, recommendation, corrections
    case variation, severity, searches, controls, adaptability, landscape
    case judgeAgreement = "judge_agreement"
    case judgeQuality = "judge_quality"
    case effectiveRanks = "effective_ranks"
    case attackEffects = "attack_effects"
  }

  /// - Parameter labels: of the run's own replies, to correct rates by.
  package init(
    of manifest: RunManifest, _ outcomes: SampleOutcomes, labels: [RunLabel] = []
  ) {
    let plan = manifest.plan
    let counting = RowCounting(plan: plan)
    let planned = Set(plan.cells.map(\.id))
    @Sendable func reference(_ cell: Cell) -> CellOutcomes? {
      cell.baseline.flatMap { planned.contains($0) ? outcomes[$0] : nil }
    }
    let rows = mapConcurrently(plan.cells) { cell in
      plan.judges(of: cell.dataset).map { judge in
        counting.row(cell, judge: judge, outcomes[cell.id], reference: reference(cell))
      }
    }.flatMap(\.self)
    let cells = Dictionary(plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var tested = RowCounting.corrected(rows) { row, confidence in
      counting.deltaInterval(
        judge: row.judge, outcomes[row.cell], reference: cells[row.cell].flatMap(reference),
        confidence: confidence)
    }
    corrections =
      labels.isEmpty
      ? nil : RateCorrecting(plan: plan, outcomes: outcomes, labels: labels).correct(&tested)
    self.rows = tested
    datasets = plan.datasets
    remarks = plan.remarks
    missing = manifest.missing(outcomes)
    basis = ComparisonBasis(plan)
    self.outcomes = RecordedOutcomes(plan, outcomes)
    judgeAgreement = JudgeAgreement.all(plan, outcomes)
    judgeQuality = manifest.judgeQuality
    let searches = AttackSearchResult.all(
      plan, rows: self.rows, limits: manifest.limits, outcomes)
    self.searches = searches.isEmpty ? nil : searches
    attackEffects = AttackEffect.all(plan, outcomes, searches)
    variation = Variation.all(plan, outcomes)
    let compared = ControlComparison.all(plan, outcomes)
    controls = compared.isEmpty ? nil : compared
    let taught = Adaptability.all(plan, outcomes)
    adaptability = taught.isEmpty ? nil : taught
    let severity = Severity.all(plan, self.rows)
    self.severity = severity.isEmpty ? nil : severity
    let surfaces = LandscapeSurface.all(plan, self.rows, outcomes)
    landscape = surfaces.isEmpty ? nil : surfaces
    let isForRank = plan.study == .effectiveRank
    effectiveRanks =
      isForRank ? EffectiveRank.all(rows: self.rows, datasets: plan.datasets, outcomes) : []
    // Neither study asks which defence to take.
    recommendation =
      isForRank || plan.study == .landscape
      ? nil
      : Recommendation(
        rows: self.rows, datasets: plan.datasets, limits: manifest.limits, outcomes,
        effects: attackEffects ?? [], searches: searches, seed: plan.seed)
  }

  /// Reads a summary, of whatever schema.
  package init(reading data: Data) throws {
    self = try SchemaFile.decode(
      Summary.self, from: data, current: Migrations.current, migrations: Migrations.summary)
  }

  /// Why the numbers cannot be those of a run; nil where they can.
  package var contradiction: String? {
    let counts = SummaryRow.counts
    if !counts.contains(missing) { return "\(missing) missing samples" }
    for (name, set) in datasets where !counts.contains(set.prompts) {
      return "\(set.prompts) prompts of \(name)"
    }
    if let contradiction = outcomes?.contradiction { return contradiction }
    var seen: Set<[String]> = []
    for row in rows {
      if let contradiction = row.contradiction { return "a row with \(contradiction)" }
      if let set = datasets[row.dataset], row.n > set.prompts * max(1, row.samples) {
        return "a row with \(row.n) samples of \(set.prompts) prompts of \(row.dataset)"
      }
      let key = [row.cell.rawValue, row.judge]
      if !seen.insert(key).inserted { return "two rows of \(key.joined(separator: ", "))" }
    }
    return nil
  }

  /// - Throws: `AnalysisError.nothingMeasured` where every request of a cell failed.
  package func requireVerdicts(
    quoting lost: LostSamples? = nil
  ) throws(AnalysisError) {
    let rows = rows.filter(isLeading)
    let silent = rows.filter { $0.n > 0 && $0.judged == 0 }
    guard !silent.isEmpty else { return }
    let causes = silent.flatMap { $0.errorCodes }.reduce(into: [:]) {
      $0[$1.key, default: 0] += $1.value
    }
    let main = causes.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? "errors"
    throw .nothingMeasured(
      models: silent.count, of: rows.count, cause: main,
      said: lost?.example(of: ErrorCode(rawValue: main)))
  }

  /// Whether a row is its set's first judge's, the one that reports lead with.
  package func isLeading(_ row: SummaryRow) -> Bool {
    guard let first = datasets[row.dataset]?.judges.first else { return true }
    return row.judge == first
  }
}

extension StoredRun {
  /// What its samples say so far.
  package var summary: Summary { Summary(of: manifest, outcomes) }
}
