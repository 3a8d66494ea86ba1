package import Checkpoints
package import StudyDesign

/// Adding the alignment back after fine-tuning, F + γ ΔW over every parameter.
///
/// The data-free form of RESTA (arXiv 2402.11746), which adds A − U with U made unaligned on purpose, and
/// may drop and rescale the fine-tuning's change; here U is the base model. γ is 0.5 in the paper.
package struct TaskVectorRepair: Defence {
  /// γ.
  package var strengths: [Double]

  package init(strengths: [Double] = [0.5]) { self.strengths = strengths }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "task-vector", stage: .afterAttack)
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    .dense(material.wholeAlignment())
  }
}

extension TaskVectorRepair {
  static let kind = DefenceKind(
    "task-vector", summary: "F + γ ΔW, every parameter; task-vector:gamma=0.5"
  ) { settings, _ in
    [TaskVectorRepair(strengths: try settings.numbers("gamma", in: DefenceRange.strength) ?? [0.5])]
  }
}
