import CKernels
import LinearAlgebra
import Testing

@testable import Decoder

extension OperationTests {
  @Suite struct AttentionTests {
    /// Whole, within a window, and with a cap that bites.
    static let attentions = [(nil, nil), (5, nil), (nil, 0.7), (20, 0.7)].map {
      (window: Int?, cap: Float?) in
      Attention(
        headCount: 4, keyValueHeadCount: 2, dimension: 8, scale: 1 / Float(8).squareRoot(),
        window: window, cap: cap)
    }

    /// Queries, keys and values of so many rows.
    static func inputs(rows: Int) -> [[Float]] {
      [4, 2, 2].enumerated().map { index, heads in
        FiniteDifference.random(rows * heads * 8, seed: UInt64(10 + index))
      }
    }

    /// Two sequences, one longer than a block of queries, with two query heads to a key head.
    @Test(arguments: attentions)
    func gradientsAgree(attention: Attention) {
      let batch = FiniteDifference.batch([4, 140])
      let inputs = Self.inputs(rows: batch.rows)
      let c = FiniteDifference.random(batch.rows * 4 * 8, seed: 13)
      let scratch = (0..<2).map { _ in
        FloatBuffer(count: Attention.scratchCount(positions: 141, isCapped: true))
      }
      func forward(_ inputs: [[Float]]) -> FloatBuffer {
        let output = FloatBuffer(count: c.count)
        attention.forward(
          batch, queries: FloatBuffer(inputs[0]), keys: FloatBuffer(inputs[1]),
          values: FloatBuffer(inputs[2]), output: output, scratch: scratch, FiniteDifference.pool)
        return output
      }
      let gradients = inputs.map { FloatBuffer(count: $0.count) }
      let output = forward(inputs)
      attention.backward(
        batch, queries: FloatBuffer(inputs[0]), keys: FloatBuffer(inputs[1]),
        values: FloatBuffer(inputs[2]), output: output, outputGradient: FloatBuffer(c),
        queryGradient: gradients[0], keyGradient: gradients[1], valueGradient: gradients[2],
        scratch: scratch, FiniteDifference.pool)
      for (index, name) in ["queries", "keys", "values"].enumerated() {
        FiniteDifference.check(
          inputs[index], gradient: FiniteDifference.values(gradients[index]), "\(name)"
        ) { moved in
          var changed = inputs
          changed[index] = moved
          return FiniteDifference.inner(FiniteDifference.values(forward(changed)), c)
        }
      }
    }

    /// Serving a sequence row by row or all at once gives what training computes for it.
    @Test(arguments: attentions, [true, false])
    func servingAgreesWithTraining(attention: Attention, isOneByOne: Bool) throws {
      let rows = 21
      let batch = FiniteDifference.batch([rows])
      let inputs = Self.inputs(rows: rows)
      let pool = FiniteDifference.pool
      let rotary = Rotary(RotaryShape(dimensions: 8, theta: 10_000))
      rotary.extend(to: rows)

      let trained = FloatBuffer(count: rows * 32)
      let (queries, keys) = (FloatBuffer(inputs[0]), FloatBuffer(inputs[1]))
      rotary.forward(queries, heads: 4, headDimension: 8, batch, pool)
      rotary.forward(keys, heads: 2, headDimension: 8, batch, pool)
      attention.forward(
        batch, queries: queries, keys: keys, values: FloatBuffer(inputs[2]), output: trained,
        scratch: (0..<2).map { _ in FloatBuffer(count: Attention.scratchCount(positions: rows)) },
        pool)

      var shape = try ShapeTests.shape(of: ShapeTests.llama)
      for index in shape.blocks.indices {
        shape.blocks[index].attention.keyValueHeadCount = 2
        shape.blocks[index].attention.headDimension = 8
      }
      let cache = KeyValueCache(shape: shape, positions: rows)
      let heads = attention.headCount / attention.keyValueHeadCount
      let scores = (0..<2).map { _ in
        FloatBuffer(count: heads * (rows + Int(LOXEVAL_POSITION_GROUP)))
      }
      var served: [Float] = []
      let pieces = isOneByOne ? (0..<rows).map { $0..<$0 + 1 } : [0..<rows]
      for piece in pieces {
        func part(_ values: [Float], _ width: Int) -> FloatBuffer {
          FloatBuffer(Array(values[piece.lowerBound * width..<piece.upperBound * width]))
        }
        let output = FloatBuffer(count: piece.count * 32)
        attention.serve(
          piece.map {
            ForwardPass.Row(token: 0, position: $0, cache: cache, scales: [], wantsLogits: false)
          }, block: 1, isOneRowEach: isOneByOne, rotary: rotary, queries: part(inputs[0], 32),
          keys: part(inputs[1], 16), values: part(inputs[2], 16), output: output, scores: scores,
          pool)
        served += FiniteDifference.values(output)
      }
      let expected = FiniteDifference.values(trained)
      #expect(served.count == expected.count)
      #expect(zip(served, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }
}
