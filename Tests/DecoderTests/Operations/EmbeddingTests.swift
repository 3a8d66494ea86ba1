import LinearAlgebra
import Testing

@testable import Decoder

extension OperationTests {
  @Suite struct EmbeddingTests {
    static func table(_ rows: Int, _ columns: Int) -> Parameter {
      Parameter(
        name: "table", rows: rows, columns: columns,
        value: FloatBuffer(FiniteDifference.random(rows * columns, seed: 1)))
    }

    /// A token that occurs twice gets both gradients.
    @Test func gradientsAgree() {
      let table = Self.table(9, 6)
      let embedding = Embedding(table: TrainableWeight.trained(table), scale: 2.5)
      let tokens = [3, 0, 8, 3]
      let c = FiniteDifference.random(tokens.count * 6, seed: 2)
      embedding.backward(FloatBuffer(c), tokens)
      FiniteDifference.check(table, "table") {
        let x = FloatBuffer(count: c.count)
        embedding.forward(tokens, into: x)
        return FiniteDifference.inner(FiniteDifference.values(x), c)
      }
    }
  }

  @Suite struct HeadTests {
    /// L = −Σ weight · log p of each row's label.
    @Test(arguments: [(1, nil), (0.25, nil), (1, 0.5), (0.5, 0.75)] as [(Float, Float?)])
    func gradientsAgree(scale: Float, cap: Float?) {
      let (rows, width, size) = (4, 7, 12)
      let pool = FiniteDifference.pool
      let table = EmbeddingTests.table(size, width)
      let head = Head(table: TrainableWeight.trained(table), scale: scale, cap: cap)
      let tokens = [0, 5, 11, 5]
      let weights: [Float] = [0.3, 1, 0.7, 0.2]
      let x = FiniteDifference.random(rows * width, seed: 3)
      let none = FloatBuffer(count: 0)
      func logProbabilities(_ x: [Float], weights: [Float]?, logits: FloatBuffer) -> [Float] {
        let result = FloatBuffer(count: rows)
        unsafe head.forward(
          FloatBuffer(x), tokens: tokens, weights: weights, logits: logits,
          logProbabilities: result.start, MatrixProducts(pool), block: none)
        return FiniteDifference.values(result)
      }
      func loss(_ x: [Float]) -> Double {
        let logits = FloatBuffer(count: rows * size)
        return -FiniteDifference.inner(logProbabilities(x, weights: nil, logits: logits), weights)
      }
      let (logits, dx) = (FloatBuffer(count: rows * size), FloatBuffer(count: x.count))
      let found = logProbabilities(x, weights: weights, logits: logits)
      #expect(found.allSatisfy { $0 < 0 })
      head.backward(
        logits, input: FloatBuffer(x), rows: rows, into: dx, MatrixProducts(pool), block: none)
      FiniteDifference.check(x, gradient: FiniteDifference.values(dx), "x", loss: loss)
      FiniteDifference.check(table, "table") { loss(x) }
    }
  }
}
