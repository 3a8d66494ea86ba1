import Attacks
import Support

/// What is made before a study's models can be asked, counted before any of it is made.
package struct StudyCost: Hashable, Sendable, CustomStringConvertible {
  /// Of the alignment: 1 where a defence or an attack needs its directions, in every process that does.
  package let decompositions: Int
  package let trainings: Int
  /// Dialogues that the trainings pass over, forward and backward, in all of their epochs. What an external
  /// command does is counted as a thousand.
  package let trainingDialogues: Int

  package init(decompositions: Int, trainings: Int, trainingDialogues: Int) {
    self.decompositions = decompositions
    self.trainings = trainings
    self.trainingDialogues = trainingDialogues
  }

  /// `made for them: 1 decomposition, 18 trainings over about 10,800 dialogues`
  package var description: String {
    func count(_ number: Int, _ noun: String) -> String {
      "\(Number.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }
    var parts: [String] = []
    if decompositions > 0 { parts.append(count(decompositions, "decomposition")) }
    if trainings > 0 {
      parts.append(
        "\(count(trainings, "training")) over about \(count(trainingDialogues, "dialogue"))")
    }
    return parts.isEmpty
      ? "nothing is decomposed or trained for them"
      : "made for them: \(parts.joined(separator: ", "))"
  }
}

extension SweepPlan {
  /// What its models take, without what an attack store has of them already.
  package var cost: StudyCost {
    // Of points along a training the last costs all of it.
    var passes: [String: Int] = [:]
    for attack in attacks where attack.attack.isKept {
      passes[attack.training] = max(passes[attack.training] ?? 0, attack.attack.passes)
    }
    return StudyCost(
      decompositions: needsDecomposition ? 1 : 0, trainings: passes.count,
      trainingDialogues: passes.values.reduce(0, +))
  }

  /// Whether a defence or an attack looks at the alignment's directions.
  var needsDecomposition: Bool {
    !defences.isEmpty || !repairs.isEmpty || attacks.contains { $0.attack.alignmentRank > 0 }
  }
}
