import ModelAccess
import Runs
import Scoring
import StudyDesign

extension Recommendation {
  /// Chooses among the treatments of a run.
  ///
  /// Attacks are judged by the first judge of each harmful set, over-refusal by the first judge of each
  /// benign set that sees refusals, utility by `exact-match`. Where none is shown to help the answer is
  /// `none`, and the trial says of the best one what is missing.
  ///
  /// - Parameters:
  ///   - outcomes: of the run's samples.
  ///   - effects: what each attack does to the untreated model.
  ///   - searches: which trial of each counts.
  ///   - seed: of tests that try signs at random, where prompts were asked several times.
  /// - Returns: nil for runs without a treatment, which have nothing to choose.
  init?(
    rows: [SummaryRow], datasets: [String: RunManifest.Plan.Dataset], limits: RecommendationLimits,
    _ outcomes: SampleOutcomes, effects: [AttackEffect] = [],
    searches: [AttackSearchResult] = [], seed: UInt64
  ) {
    guard rows.contains(where: { !$0.treatment.isNone }) else { return nil }
    let wording = DefenceWording(rows.map(\.treatment))
    let evidence = RecommendationEvidence(
      rows: rows, datasets: datasets, limits: limits, outcomes, searches: searches)
    self.init(
      treatment: nil, alpha: nil, rank: nil, reason: "", limits: limits,
      candidates: evidence.treatments.map(evidence.candidate), trial: nil)
    guard !evidence.attacked.isEmpty else {
      reason = "No \(wording.one) can be recommended: no attack was measured on harmful prompts."
      return
    }
    guard !evidence.refusals.isEmpty else {
      reason =
        "No \(wording.one) can be recommended: over-refusal was not measured; add benign prompts, such as "
        + "--dataset benign-lookalikes."
      return
    }
    let fit = candidates.filter { evidence.unfitness($0) == nil }
    guard !fit.isEmpty else {
      reason = "No \(wording.one) can be recommended: none stays within the limits."
      return
    }
    let note = evidence.utilities.isEmpty ? " Utility was not measured." : ""
    // What is not shown to help is no reason to change the model.
    recommend(candidates.first(where: \.treatment.isNone))
    let treated = candidates.filter { !$0.treatment.isNone }
    guard
      let choice = SplitHalfChoice(
        untreated: evidence.attacked(.none),
        candidates: treated.map { candidate in
          SplitHalfChoice.Candidate(
            attackedWhenAsked: { evidence.attacked(candidate.treatment) }, costs: candidate.costs,
            strength: candidate.alpha, isExcluded: evidence.unfitness(candidate) != nil)
        }, seed: seed)
    else {
      reason =
        RecommendationWording.nothingTried(
          isFit: fit.contains { !$0.treatment.isNone }, among: wording) + note
      return
    }
    let chosen = treated[choice.chosen]
    trial = Trial(
      treatment: chosen.treatment, worstBefore: choice.worst, worstAfter: choice.place,
      fall: choice.fall, choosingPrompts: choice.choosingPrompts,
      isSignificant: choice.isSignificant,
      needed: choice.isSignificant || choice.fall.change >= 0
        ? nil : choice.fall.needed.map { 2 * $0 })
    let unkept = chosen.costs.filter { !$0.isKept }
    // An attack that does not move the untreated model cannot be withstood either.
    let impotent = effects.first { $0.place == choice.worst && !$0.isPotent }
    if choice.isSignificant, unkept.isEmpty, impotent == nil { recommend(chosen) }
    reason =
      RecommendationWording.reason(
        of: trial, unkept: unkept, impotent: impotent, among: wording,
        scope: evidence.attacked.contains(where: \.isTrained) ? "these trainings" : "these attacks")
      + note
  }

  private mutating func recommend(_ candidate: Candidate?) {
    (treatment, alpha, rank) = (candidate?.treatment, candidate?.alpha, candidate?.rank)
  }
}
