package import Checkpoints
import LinearAlgebra
package import LoX
package import StudyDesign
import Support

/// A control: random directions in place of the alignment's, with the alignment's own singular values.
///
/// A + α U S Vᵀ, U and V with random orthonormal columns (of Gaussian matrices), S the k leading singular
/// values of each tensor's ΔW: as large as LoX and of its spectrum, and unrelated to alignment. Where it
/// does as much as LoX, it is the size of the change that helps, not its directions.
package struct RandomControl: Defence {
  package let rank: Rank
  package let seed: Int
  package var strengths: [Double]

  package init(rank: Rank, seed: Int, strengths: [Double]) {
    self.rank = rank
    self.seed = seed
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "random", parameters: ["rank": rank.setting, "seed": .integer(seed)])
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    .lowRank(
      material.alignment.update { name, svd in
        let kept = svd.truncated(to: rank.kept(of: svd))
        guard kept.rank > 0 else { return nil }
        // Each tensor has a sequence of its own, so that targets do not shift one another.
        var generator = SplitMix64(
          seed: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 ^ Fingerprint.hash(name))
        let left = Matrix<Double>.gaussian(kept.left.rows, kept.rank, &generator)
        let right = Matrix<Double>.gaussian(kept.right.columns, kept.rank, &generator)
        var random = kept
        random.left = left.orthonormalised()
        random.right = right.orthonormalised().transposed()
        return random.factors(scale: 1)
      })
  }
}

extension RandomControl {
  /// How many there are where nobody says it: fewer say nothing of how random directions vary.
  static let standardCount = 3

  static let kind = DefenceKind(
    "random",
    summary: "A + α of random directions with LoX's singular values, "
      + "\(standardCount) of them; random:seed=1:rank=6:alpha=1"
  ) { settings, defaults in
    let seeds = try settings.integers("seed", in: DefenceRange.seed) ?? Array(1...standardCount)
    return try ControlSettings(&settings, defaults).each { rank, strengths in
      seeds.map { RandomControl(rank: rank, seed: $0, strengths: strengths) }
    }
  }
}

/// Ranks and strengths of controls: those of the LoX that they are compared with.
struct ControlSettings {
  let ranks: [Rank]
  let strengths: [Double]

  init(_ settings: inout DefenceSettings, _ defaults: DefenceKind.Defaults) throws {
    ranks = try settings.ranks() ?? defaults.ranks
    strengths = try settings.numbers("alpha", in: DefenceRange.strength) ?? defaults.strengths
  }

  func each(_ make: (Rank, [Double]) throws -> [any Defence]) rethrows -> [any Defence] {
    try ranks.flatMap { try make($0, strengths) }
  }
}

extension Decomposition {
  /// An update made tensor by tensor; nil leaves one alone.
  func update(
    _ factors: (String, SingularValueDecomposition) -> LowRankUpdate.Factors?
  ) -> LowRankUpdate {
    var update = LowRankUpdate()
    for (name, svd) in tensors {
      update.tensors[name] = factors(name, svd)
    }
    return update
  }
}

extension SingularValueDecomposition {
  /// ‖ left · diag(singularValues) · right ‖_F of the triplets that are kept.
  var keptNorm: Double { singularValues.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// scale · left · diag(singularValues) and right, in float32.
  func factors(scale: Double) -> LowRankUpdate.Factors {
    LowRankUpdate.Factors(
      left: scaledLeft(rank: rank).rounded.scaled(by: scale), right: right.rounded)
  }
}
