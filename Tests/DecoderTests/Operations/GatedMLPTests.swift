import LinearAlgebra
import Testing

@testable import Decoder

extension OperationTests {
  @Suite struct GatedMLPTests {
    static let rows = 5
    static let gatings = [GatedMLPShape.Activation.silu, .geluTanh, .gelu].map {
      Gating(width: 19, activation: $0)
    }

    @Test(arguments: gatings)
    func gradientsAgree(gating: Gating) {
      let (rows, pool) = (Self.rows, FiniteDifference.pool)
      let count = rows * gating.width
      let gates = FiniteDifference.random(count, seed: 1)
      let ups = FiniteDifference.random(count, seed: 2)
      let c = FiniteDifference.random(count, seed: 3)
      func loss(_ gates: [Float], _ ups: [Float]) -> Double {
        let inner = FloatBuffer(count: count)
        gating.forward(FloatBuffer(gates), FloatBuffer(ups), rows: rows, into: inner, pool)
        return FiniteDifference.inner(FiniteDifference.values(inner), c)
      }
      let (dGates, dUps) = (FloatBuffer(gates), FloatBuffer(ups))
      gating.backward(FloatBuffer(c), gates: dGates, ups: dUps, rows: rows, pool)
      FiniteDifference.check(gates, gradient: FiniteDifference.values(dGates), "gates") {
        loss($0, ups)
      }
      FiniteDifference.check(ups, gradient: FiniteDifference.values(dUps), "ups") {
        loss(gates, $0)
      }
    }

    /// However the columns are cut.
    @Test(arguments: gatings)
    func servingAgreesWithTraining(gating: Gating) {
      let rows = Self.rows
      let gates = FloatBuffer(FiniteDifference.random(rows * gating.width, seed: 4))
      let ups = FloatBuffer(FiniteDifference.random(rows * gating.width, seed: 5))
      let inner = FloatBuffer(count: gates.count)
      gating.forward(gates, ups, rows: rows, into: inner, FiniteDifference.pool)
      gating.serve(gates, ups, rows: rows, begin: 0, end: 7)
      gating.serve(gates, ups, rows: rows, begin: 7, end: gating.width)
      let (found, expected) = (FiniteDifference.values(gates), FiniteDifference.values(inner))
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) })
    }
  }
}
