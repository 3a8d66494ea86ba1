import ModelAccess
import Runs
package import Scoring
import StudyDesign

/// What an attack does to the untreated model: its success against that without the attack, on the same
/// prompts.
package struct AttackEffect: Codable, Hashable, Sendable {
  package var dataset: String
  /// The set's primary judge.
  package var judge: String
  package var attack: String
  package var promptAttack: String
  /// From no attack to the attack.
  package var comparison: RateComparison
  /// `p_value` after Holm's correction over the attacks on this set.
  package var adjustedPValue: Double

  enum CodingKeys: String, CodingKey {
    case dataset, judge, attack, comparison
    case promptAttack = "prompt_attack"
    case adjustedPValue = "adjusted_p_value"
  }

  package var isSignificant: Bool { adjustedPValue < Findings.significance }

  /// Whether the attack is shown to raise the undefended model's success: one that is not measures nothing of
  /// a defence, whatever is seen under it.
  package var isPotent: Bool { isSignificant && comparison.change > 0 }

  /// As a place of a choice names it.
  package var place: SplitHalfChoice.Place {
    SplitHalfChoice.Place(
      dataset: dataset,
      attack: PromptAttack.label(attack: attack, promptAttack: promptAttack))
  }

  /// One for each attack on each harmful set of which both sides have replies.
  ///
  /// Of a search it is the trial that was chosen, on the half that it was not chosen on.
  static func all(
    _ plan: RunManifest.Plan, _ outcomes: SampleOutcomes, _ searches: [AttackSearchResult] = []
  ) -> [AttackEffect] {
    let untreated = Findings.distinct(plan.cells.filter(\.treatment.isNone))
    return HarmfulSet.all(plan, outcomes).flatMap { set -> [AttackEffect] in
      let cells = untreated.filter { $0.dataset == set.dataset }
      let measured = cells.compactMap { cell -> AttackEffect? in
        guard !cell.isUnattacked, cell.attack.search == nil,
          let before = cells.first(where: \.isUnattacked),
          let comparison = set.comparison(of: before, and: cell)
        else { return nil }
        return AttackEffect(
          dataset: set.dataset, judge: set.judge, attack: cell.attack.label,
          promptAttack: cell.promptAttack.text, comparison: comparison,
          adjustedPValue: comparison.pValue)
      }
      let searched = searches.compactMap { search -> AttackEffect? in
        guard search.dataset == set.dataset, search.treatment.isNone else { return nil }
        return search.effect.map {
          AttackEffect(
            dataset: set.dataset, judge: set.judge, attack: search.name,
            promptAttack: search.promptAttack, comparison: $0, adjustedPValue: $0.pValue)
        }
      }
      return (measured + searched).corrected()
    }
  }
}

extension AttackEffect: CorrectedComparison {}
