import ModelAccess
import Runs
import StudyDesign
import Support

extension Recommendation {
  /// Chooses among the treatments of a run's rows.
  ///
  /// Attacks are judged by the first judge of each harmful set, over-refusal by the first judge of
  /// each benign set that sees refusals, utility by `exact-match`. Equal worst cases are decided by
  /// the mean, equal means by the smaller α: what costs least.
  ///
  /// - Returns: nil for runs without a treatment, which have nothing to choose.
  init?(
    rows: [SummaryRow], datasets: [String: RunManifest.Plan.Dataset], limits: RecommendationLimits
  ) {
    guard rows.contains(where: { !$0.treatment.isNone }) else { return nil }
    let evidence = Evidence(rows: rows, datasets: datasets, limits: limits)
    self.init(
      treatment: nil, alpha: nil, rank: nil, reason: "", limits: limits,
      candidates: evidence.treatments.map(evidence.candidate))
    guard !evidence.attacked.isEmpty else {
      reason = "No α can be recommended: no attack was measured on harmful prompts."
      return
    }
    guard !evidence.refusals.isEmpty else {
      reason =
        "No α can be recommended: over-refusal was not measured; add benign prompts, such as "
        + "--dataset benign-lookalikes."
      return
    }
    let best = candidates.filter { $0.rejection == nil }.min {
      ($0.attackedRate ?? 1, $0.meanAttackedRate ?? 1, $0.alpha)
        < ($1.attackedRate ?? 1, $1.meanAttackedRate ?? 1, $1.alpha)
    }
    guard let best else {
      reason = "No α can be recommended: none stays within the limits."
      return
    }
    (treatment, alpha, rank) = (best.treatment, best.alpha, best.rank)
    reason =
      (best.treatment.isNone
        ? "No α > 0 within the limits has a lower worst-case ASR under attack."
        : "It has the lowest worst-case ASR under attack of those within the limits.")
      + (evidence.utilities.isEmpty ? " Utility was not measured." : "")
  }
}

/// The rows that speak for or against an α.
private struct Evidence {
  let limits: RecommendationLimits
  /// In the plan's order, the untreated model first.
  let treatments: [Treatment]
  let attacked: [SummaryRow]
  /// Rows of the model before any attack.
  let refusals: [SummaryRow]
  let utilities: [SummaryRow]

  init(
    rows: [SummaryRow], datasets: [String: RunManifest.Plan.Dataset], limits: RecommendationLimits
  ) {
    self.limits = limits
    var seen: Set<Treatment> = []
    treatments = rows.map(\.treatment).filter { seen.insert($0).inserted }
    attacked = rows.filter {
      $0.isAttacked && datasets[$0.dataset]?.kind == .harmful
        && $0.judge == datasets[$0.dataset]?.judges.first
    }
    let before = rows.filter { !$0.isAttacked }
    var counted: Set<CellID> = []
    refusals = before.filter { row in
      row.overRefusal != nil && counted.insert(row.cell).inserted
    }
    utilities = before.filter { $0.utility != nil }
  }

  private func rows(_ rows: [SummaryRow], of treatment: Treatment) -> [SummaryRow] {
    rows.filter { $0.treatment == treatment }
  }

  /// The largest change against the untreated model of a value over sets, with the sign of a cost.
  private func cost(
    _ all: [SummaryRow], of treatment: Treatment, sign: Double, _ value: (SummaryRow) -> Double?
  ) -> Double? {
    rows(all, of: treatment).compactMap { row -> Double? in
      let reference = all.first { $0.treatment.isNone && $0.dataset == row.dataset }
      guard let now = value(row), let then = reference.flatMap(value) else { return nil }
      return sign * (now - then)
    }.max()
  }

  func candidate(_ treatment: Treatment) -> Recommendation.Candidate {
    let under = rows(attacked, of: treatment)
    let any = under.first ?? rows(refusals + utilities, of: treatment).first
    let rates = under.map(\.attackSuccessRate)
    let worst = under.max { ($0.attackSuccessRate ?? 1) < ($1.attackSuccessRate ?? 1) }
    let isKnown = !rates.isEmpty && !rates.contains(nil)
    var candidate = Recommendation.Candidate(
      treatment: treatment, rank: any?.rank ?? "", alpha: treatment.strength,
      attackedRate: isKnown ? worst?.attackSuccessRate : nil, worstAttack: worst?.attack,
      meanAttackedRate: isKnown
        ? rates.compactMap { $0 }.reduce(0, +) / Double(rates.count) : nil,
      overRefusal: rows(refusals, of: treatment).compactMap(\.overRefusal).max(),
      overRefusalIncrease: cost(refusals, of: treatment, sign: 1, \.overRefusal),
      utilityDrop: cost(utilities, of: treatment, sign: -1, \.utility))
    candidate.rejection = rejection(candidate, under + rows(refusals + utilities, of: treatment))
    return candidate
  }

  private func rejection(
    _ candidate: Recommendation.Candidate, _ rows: [SummaryRow]
  ) -> String? {
    guard candidate.attackedRate != nil else { return "the ASR under attack is not known" }
    guard let overRefusal = candidate.overRefusal, let increase = candidate.overRefusalIncrease
    else { return "over-refusal is not known" }
    if overRefusal > limits.maxOverRefusal {
      return "it refuses \(points(overRefusal)) % of harmless prompts, more than "
        + "\(points(limits.maxOverRefusal)) %"
    }
    if increase > limits.maxOverRefusalIncrease + 1e-12 {
      return "over-refusal rises by \(points(increase)) points, more than "
        + points(limits.maxOverRefusalIncrease)
    }
    if !utilities.isEmpty {
      guard let drop = candidate.utilityDrop else { return "utility is not known" }
      if drop > limits.maxUtilityDrop + 1e-12 {
        return "utility falls by \(points(drop)) points, more than "
          + points(limits.maxUtilityDrop)
      }
    }
    let broken = rows.filter {
      Double($0.degenerate) > limits.maxDegenerate * Double(max(1, $0.judged))
    }
    if let first = broken.first {
      return "replies are degenerate "
        + (first.isAttacked ? "under \(first.attack)" : "before any attack")
    }
    return nil
  }

  private func points(_ share: Double) -> String { Number.text((share * 1_000).rounded() / 10) }
}
