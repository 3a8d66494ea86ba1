import ModelAccess
import Runs
package import Scoring
package import StudyDesign

/// A defence against one of its controls, of the same rank and at the same strength, on the same prompts
/// under the same attack: whether it is its directions that help, or a change of that size.
package struct ControlComparison: Codable, Hashable, Sendable {
  package var dataset: String
  /// The set's primary judge.
  package var judge: String
  package var attack: String
  package var promptAttack: String
  package var treatment: Treatment
  package var control: Treatment
  /// From the control to the defence: below 0 the defence's rate is the lower one.
  package var comparison: RateComparison
  /// `p_value` after Holm's correction over the comparisons on this set.
  package var adjustedPValue: Double

  enum CodingKeys: String, CodingKey {
    case dataset, judge, attack, treatment, control, comparison
    case promptAttack = "prompt_attack"
    case adjustedPValue = "adjusted_p_value"
  }

  /// What the models and the prompts went through, for people.
  package var attackLabel: String {
    PromptAttack.label(attack: attack, promptAttack: promptAttack)
  }

  package var isSignificant: Bool { adjustedPValue < Findings.significance }

  package enum Outcome: String {
    case beats, loses, undecided
  }

  package var outcome: Outcome {
    guard isSignificant else { return .undecided }
    return comparison.change < 0 ? .beats : .loses
  }

  /// Every control of every defence on each harmful set, in the plan's order.
  static func all(
    _ plan: RunManifest.Plan, _ outcomes: SampleOutcomes
  ) -> [ControlComparison] {
    HarmfulSet.all(plan, outcomes).flatMap { set -> [ControlComparison] in
      let cells = plan.cells.filter { $0.dataset == set.dataset && !$0.treatment.isNone }
      let (controls, defences) = (
        cells.filter(\.treatment.method.isControl), cells.filter { $0.treatment.method == .lox }
      )
      return defences.flatMap { cell -> [ControlComparison] in
        controls.compactMap { control in
          guard control.attack == cell.attack, control.promptAttack == cell.promptAttack,
            control.treatment.strength == cell.treatment.strength,
            control.treatment.parameters["rank"] == cell.treatment.parameters["rank"],
            let comparison = set.comparison(of: control, and: cell)
          else { return nil }
          return ControlComparison(
            dataset: set.dataset, judge: set.judge, attack: cell.attack.label,
            promptAttack: cell.promptAttack.text, treatment: cell.treatment,
            control: control.treatment, comparison: comparison,
            adjustedPValue: comparison.pValue)
        }
      }.corrected()
    }
  }
}

extension ControlComparison: CorrectedComparison {}

extension Findings {
  /// What the controls say, one sentence for each attack: how often the defence beats them.
  package var controlVerdict: [Sentence] {
    let all = summary.controls ?? []
    return Self.distinct(all.map(\.attackLabel)).map { attack in
      let own = all.filter { $0.attackLabel == attack }
      func count(_ outcome: ControlComparison.Outcome) -> Int {
        own.count { $0.outcome == outcome }
      }
      let kinds = Self.distinct(own.map(\.control.method)).map { method -> String in
        let of = own.filter { $0.control.method == method }
        let beaten = of.count { $0.outcome == .beats }
        let changes = of.map(\.comparison.change)
        let mean = changes.reduce(0, +) / Double(max(1, changes.count))
        return
          "\(method.rawValue) in \(beaten) of \(of.count) (\(Wording.points(mean)) points on average)"
      }
      let name = attack == AttackID.none.label ? "Before any attack" : "Under \(attack)"
      let lost = count(.loses)
      return [
        .text(
          "\(name) LoX has a significantly lower rate than its controls at equal norm in \(count(.beats)) of "
            + "\(own.count) comparisons\(lost > 0 ? ", a higher one in \(lost)" : ""): "
            + "\(kinds.joined(separator: "; ")).")
      ]
    }
  }
}
