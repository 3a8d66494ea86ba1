import Checkpoints
import LinearAlgebra
import LoX
package import StudyDesign
package import Support

/// A proxy for fine-tuning that needs no data and no training: a seeded change of chosen size.
///
/// With Proj_k(ΔW) = U_k S_k V_kᵀ the leading part of the alignment and N its Frobenius norm:
/// - harmful: Δ = −s (cos θ · Proj_k(ΔW) + sin θ · N · U_k G / ‖G‖_F), G a k × n Gaussian matrix.
///   Fine-tuning that undoes an alignment moves against it, but not exactly: cos²θ = 3/4 of the
///   change points straight back and the rest anywhere within the same column space.
/// - benign: Δ = s · N · Q G / ‖G‖_F, Q a random orthonormal m × k matrix: as large, and unrelated.
package struct SyntheticAttack: Attack {
  package enum Kind: String, Sendable {
    case harmful, benign
  }

  package let kind: Kind
  /// s: the change's norm as a multiple of N.
  package let strength: Double
  /// k: the change's rank, whatever the defence's.
  package let rank: Int
  private var drawSeed: UInt64
  /// Whether the seed is part of the label, since another one has the plain label.
  private var isFurtherSeed = false

  /// Beyond it a model says nothing.
  package static let strengthRange = NumberRange<Double>.above(0, upTo: 1_000)
  package static let standardStrength = 1.0
  /// As LoX's own.
  package static let standardRank = 6

  /// cos²θ of the harmful kind.
  package static let opposedShare = 0.75

  package init(
    kind: Kind, strength: Double = Self.standardStrength, rank: Int = Self.standardRank,
    seed: UInt64 = 0
  ) {
    self.kind = kind
    self.strength = strength
    self.rank = rank
    drawSeed = seed
  }

  package var labels: [String] {
    let base = "synthetic-\(kind.rawValue)"
    let label = strength == 1 ? base : "\(base):\(Number.text(strength))"
    return isFurtherSeed ? Self.labels([label], ofSeed: drawSeed) : [label]
  }

  package func seeded(_ seed: UInt64) -> (any Attack)? {
    var other = self
    (other.drawSeed, other.isFurtherSeed) = (seed, true)
    return other
  }

  package var method: AttackID.Method { .synthetic }
  package var recipe: String { "\(kind.rawValue) \(strength) rank \(rank) seed \(drawSeed)" }
  package var seed: UInt64? { drawSeed }
  package var recipeOfAnySeed: String? { "\(kind.rawValue) \(strength) rank \(rank)" }
  package var alignmentRank: Int { rank }

  package var remark: String? {
    switch kind {
    case .harmful:
      "a proxy: no data, no training; the weights move against the alignment's top \(rank) "
        + "directions by \(Number.text(strength)) times their norm"
    case .benign:
      "a proxy: no data, no training; a random change of rank \(rank) with \(Number.text(strength)) times the "
        + "norm of the alignment's top \(rank) directions"
    }
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    guard let alignment = model.alignment else { throw AttackError.needsAlignment(attack: name) }
    var result = LowRankUpdate()
    for (name, svd) in alignment.tensors.sorted(by: { $0.key < $1.key }) {
      let k = min(rank, svd.rank)
      guard k > 0 else { continue }
      // Each tensor has a sequence of its own, so that targets do not shift one another.
      var generator = SplitMix64(seed: drawSeed ^ Fingerprint.hash(name))
      let norm = svd.singularValues.prefix(k).reduce(0) { $0 + $1 * $1 }.squareRoot()
      result.tensors[name] =
        switch kind {
        case .harmful: harmful(svd.truncated(to: k), norm, &generator)
        case .benign: benign(svd.left.rows, svd.right.columns, k, norm, &generator)
        }
    }
    return AttackResult(update: result)
  }

  private func harmful(
    _ svd: SingularValueDecomposition, _ norm: Double, _ generator: inout SplitMix64
  ) -> LowRankUpdate.Factors {
    let random = Matrix<Double>.gaussian(svd.rank, svd.right.columns, &generator)
    let opposed = Self.opposedShare.squareRoot()
    let aside =
      (1 - Self.opposedShare).squareRoot() * norm / random.squaredFrobeniusNorm.squareRoot()
    var right = random
    for direction in 0..<svd.rank {
      for column in 0..<right.columns {
        right[direction, column] =
          -strength
          * (opposed * svd.singularValues[direction] * svd.right[direction, column]
            + aside * random[direction, column])
      }
    }
    return LowRankUpdate.Factors(left: svd.left.rounded, right: right.rounded)
  }

  private func benign(
    _ rows: Int, _ columns: Int, _ rank: Int, _ norm: Double, _ generator: inout SplitMix64
  ) -> LowRankUpdate.Factors {
    let left = Matrix<Double>.gaussian(rows, rank, &generator).orthonormalised()
    var right = Matrix<Double>.gaussian(rank, columns, &generator)
    let factor = strength * norm / right.squaredFrobeniusNorm.squareRoot()
    for index in right.elements.indices { right.elements[index] *= factor }
    return LowRankUpdate.Factors(left: left.rounded, right: right.rounded)
  }
}

extension SyntheticAttack {
  static let harmfulKind = AttackKind("synthetic-harmful", form: "[:STRENGTH]") {
    SyntheticAttack(kind: .harmful, strength: try $0.strength(), seed: $1.seed)
  }
  static let benignKind = AttackKind("synthetic-benign", form: "[:STRENGTH]") {
    SyntheticAttack(kind: .benign, strength: try $0.strength(), seed: $1.seed)
  }
}
