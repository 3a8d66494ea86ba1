import Foundation
import LinearAlgebra
import Testing

@testable import Decoder

extension OperationTests {
  @Suite struct RotaryTests {
    static let shapes = [
      RotaryShape(dimensions: 8, theta: 10_000),
      RotaryShape(dimensions: 8, theta: 500, scaling: .linear(factor: 4)),
      RotaryShape(
        dimensions: 8, theta: 1_000,
        scaling: .llama3(factor: 8, lowFrequency: 1, highFrequency: 4, trainedLength: 64)),
      RotaryShape(
        dimensions: 8, theta: 1_000,
        scaling: .yarn(
          .init(factor: 4, fast: 8, slow: 1, trainedLength: 64, amplitude: 1.2, isTruncated: true))),
      RotaryShape(
        dimensions: 8, theta: 1_000, scaling: .dynamic(factor: 2, trainedLength: 5)),
      RotaryShape(
        dimensions: 8, theta: 1_000,
        scaling: .longrope(
          .init(
            short: [1, 1.1, 1.2, 1.3], long: [1, 2, 4, 8], trainedLength: 5, amplitude: 1.1))),
    ]

    /// Of heads that are rotated whole, and of wider ones.
    @Test(arguments: shapes, [8, 12])
    func gradientsAgree(shape: RotaryShape, headDimension: Int) {
      let rotary = Rotary(shape, isTrained: true)
      let batch = FiniteDifference.batch([3, 11])
      let heads = 3
      rotary.extend(forTextsOf: batch.sequences.map(\.textLength))
      let x = FiniteDifference.random(batch.rows * heads * headDimension, seed: 1)
      let c = FiniteDifference.random(x.count, seed: 2)
      let gradient = FloatBuffer(c)
      rotary.backward(
        gradient, heads: heads, headDimension: headDimension, batch, FiniteDifference.pool)
      FiniteDifference.check(x, gradient: FiniteDifference.values(gradient), "x") { moved in
        let y = FloatBuffer(moved)
        rotary.forward(y, heads: heads, headDimension: headDimension, batch, FiniteDifference.pool)
        return FiniteDifference.inner(FiniteDifference.values(y), c)
      }
    }

    /// Pair i of position p is turned by p · θ^(−2i/d).
    @Test func anglesFollowTheFormula() {
      let shape = Self.shapes[0]
      let rotary = Rotary(shape)
      rotary.extend(to: 6)
      let vector = FloatBuffer([1, 1, 1, 1, 0, 0, 0, 0])
      unsafe rotary.angles.at(5).rotate(vector.start, heads: 1, headDimension: 8)
      let found = FiniteDifference.values(vector)
      for pair in 0..<4 {
        let angle = 5 * pow(10_000, -Double(2 * pair) / 8)
        #expect(abs(Double(found[pair]) - cos(angle)) < 1e-6)
        #expect(abs(Double(found[pair + 4]) - sin(angle)) < 1e-6)
      }
    }

    @Test func blocksOfEqualSettingsShareATable() throws {
      var shape = try ShapeTests.shape(of: ShapeTests.llama)
      #expect(RotaryTables(shape).tables.count == 1)
      shape.blocks[1].attention.rotary?.theta = 1e6
      #expect(RotaryTables(shape).tables.count == 2)
    }
  }
}
