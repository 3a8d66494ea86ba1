import LinearAlgebra
import Support
import Testing

@testable import Checkpoints

/// Products of updates in factors against the same of whole matrices.
@Suite struct UpdateProductTests {
  static func update(
    _ shapes: [String: (rows: Int, columns: Int, rank: Int)], seed: UInt64
  ) -> LowRankUpdate {
    var generator = SplitMix64(seed: seed)
    func random(_ rows: Int, _ columns: Int) -> Matrix<Float> {
      Matrix<Double>.gaussian(rows, columns, &generator).rounded
    }
    return LowRankUpdate(
      tensors: Dictionary(
        uniqueKeysWithValues: shapes.sorted { $0.key < $1.key }.map { name, shape in
          (
            name,
            LowRankUpdate.Factors(
              left: random(shape.rows, shape.rank), right: random(shape.rank, shape.columns))
          )
        }))
  }

  /// Every tensor's change, formed whole in float64.
  static func dense(_ update: LowRankUpdate) -> [String: [Double]] {
    update.tensors.mapValues {
      Matrix<Double>($0.left).multiplied(by: Matrix<Double>($0.right)).elements
    }
  }

  static func product(_ one: [String: [Double]], _ two: [String: [Double]]) -> Double {
    one.reduce(0) { sum, entry in
      sum + zip(entry.value, two[entry.key] ?? []).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  static let defence = update(["a": (7, 5, 2), "b": (4, 6, 3), "c": (3, 3, 1)], seed: 1)
  static let attack = update(["a": (7, 5, 4), "b": (4, 6, 1), "d": (5, 2, 2)], seed: 2)

  @Test func productsAreThoseOfWholeMatrices() {
    let (l, t) = (Self.dense(Self.defence), Self.dense(Self.attack))
    let expected = Self.product(l, t)
    #expect(abs(Self.defence.innerProduct(with: Self.attack) - expected) < 1e-10 * abs(expected))
    #expect(
      Self.attack.innerProduct(with: Self.defence) == Self.defence.innerProduct(with: Self.attack))
    #expect(abs(Self.attack.squaredNorm - Self.product(t, t)) < 1e-10 * Self.product(t, t))
    #expect(LowRankUpdate().innerProduct(with: Self.attack) == 0)
  }

  /// T⊥ = T − c L: orthogonal to L over all tensors, those that only one of them changes too.
  @Test func whatIsLeftIsOrthogonal() {
    let (rest, along) = Self.attack.orthogonal(to: Self.defence)
    let (l, t, r) = (Self.dense(Self.defence), Self.dense(Self.attack), Self.dense(rest))
    let c = Self.product(t, l) / Self.product(l, l)
    #expect(abs(along - c) < 1e-12)
    #expect(Set(r.keys) == ["a", "b", "c", "d"])
    for (name, values) in r {
      for (index, value) in values.enumerated() {
        let expected = (t[name]?[index] ?? 0) - c * (l[name]?[index] ?? 0)
        #expect(abs(value - expected) < 1e-5)
      }
    }
    let scale = (Self.product(l, l) * Self.product(t, t)).squareRoot()
    #expect(abs(rest.innerProduct(with: Self.defence)) < 1e-6 * scale)
  }
}
