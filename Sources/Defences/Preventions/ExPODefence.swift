package import Checkpoints
import LoX
package import StudyDesign

/// Model extrapolation (ExPO, arXiv 2404.16792): A + α ΔW over every parameter, embeddings, head and norms
/// too, whatever `--targets` says; α is 0.3 or 0.5 in the published models.
///
/// Of full rank: it is served as a checkpoint of its own.
package struct ExPODefence: Defence {
  package var strengths: [Double]

  package init(strengths: [Double] = [0.5]) { self.strengths = strengths }

  package var arm: Treatment.Arm { Treatment.Arm(method: "expo") }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    .dense(material.wholeAlignment())
  }
}

extension ExPODefence {
  static let kind = DefenceKind("expo", summary: "A + α ΔW, every parameter; expo:alpha=0.5") {
    settings, _ in
    [ExPODefence(strengths: try settings.numbers("alpha", in: DefenceRange.strength) ?? [0.5])]
  }
}

extension DefenceMaterial {
  /// ΔW of every parameter that both models have.
  func wholeAlignment() -> DenseUpdate {
    DenseUpdate(
      identity: "\(identity) alignment of every parameter",
      tensors: Dictionary(
        pair.comparableTensors.map {
          ($0, [pair.differenceTerm(of: $0, scale: 1)])
        }, uniquingKeysWith: { first, _ in first }))
  }
}
