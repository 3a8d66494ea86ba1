import LinearAlgebra
import Testing

@testable import Decoder

extension OperationTests {
  @Suite struct NormTests {
    static let (rows, width) = (7, 21)

    static func norm(addsOne: Bool = false) -> RMSNorm {
      RMSNorm(
        gain: TrainableVector(name: "gain", trained: FiniteDifference.random(width, seed: 1)),
        epsilon: 1e-5, addsOne: addsOne)
    }

    @Test(arguments: [false, true])
    func gradientsAgree(addsOne: Bool) throws {
      let (rows, width, pool) = (Self.rows, Self.width, FiniteDifference.pool)
      let norm = Self.norm(addsOne: addsOne)
      let x = FiniteDifference.random(rows * width, seed: 2)
      let c = FiniteDifference.random(rows * width, seed: 3)
      func loss(_ x: [Float]) -> Double {
        let y = FloatBuffer(count: c.count)
        norm.forward(FloatBuffer(x), rows: rows, into: y, pool)
        return FiniteDifference.inner(FiniteDifference.values(y), c)
      }
      // What the gradient is added to counts as well.
      let dx = FloatBuffer([Float](repeating: 2, count: c.count))
      norm.backward(
        FloatBuffer(c), x: FloatBuffer(x), rows: rows, into: dx,
        partial: FloatBuffer(count: width * pool.threadCount), pool)
      FiniteDifference.check(
        x, gradient: FiniteDifference.values(dx).map { $0 - 2 }, "x", loss: loss)
      try FiniteDifference.check(#require(norm.gain.parameter), "gain") { loss(x) }
    }

    @Test func servingGivesTheBitsOfTraining() {
      let x = FloatBuffer(FiniteDifference.random(Self.rows * Self.width, seed: 4))
      let (served, trained) = (FloatBuffer(count: x.count), FloatBuffer(count: x.count))
      Self.norm().serve(x, rows: Self.rows, into: served)
      Self.norm().forward(x, rows: Self.rows, into: trained, FiniteDifference.pool)
      #expect(FiniteDifference.values(served) == FiniteDifference.values(trained))
    }
  }
}
