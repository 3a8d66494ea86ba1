import LinearAlgebra
import Support
import Testing

@testable import Decoder

extension OperationTests {
  @Suite struct LinearTests {
    /// A trained matrix with a trained bias and an adapter on it, each alone and all together.
    @Test(arguments: [false, true], [false, true])
    func gradientsAgree(hasBias: Bool, hasAdapter: Bool) throws {
      let (rows, inputs, outputs) = (6, 13, 10)
      let weight = Parameter(
        name: "w", rows: outputs, columns: inputs,
        value: FloatBuffer(FiniteDifference.random(outputs * inputs, seed: 1)))
      var recipe = TrainingRecipe()
      recipe.rank = 3
      var generator = SplitMix64(seed: 2)
      let adapter = LowRankAdapter(
        name: "w", outputs: outputs, inputs: inputs, index: 0, recipe: recipe,
        generator: &generator)
      FiniteDifference.fill(adapter.b.value, FiniteDifference.random(outputs * 3, seed: 3))
      let linear = TrainableLinear(
        weight: .trained(weight),
        bias: hasBias
          ? TrainableVector(name: "b", trained: FiniteDifference.random(outputs, seed: 4)) : nil,
        adapter: hasAdapter ? adapter : nil)
      let workspace = TrainableLinear.Workspace(
        products: MatrixProducts(FiniteDifference.pool), block: FloatBuffer(count: 0),
        adapter: LowRankAdapter.Scratch(
          projected: FloatBuffer(count: rows * 3), gradient: FloatBuffer(count: rows * 3),
          dropped: FloatBuffer(count: 0)))
      let x = FiniteDifference.random(rows * inputs, seed: 5)
      let c = FiniteDifference.random(rows * outputs, seed: 6)
      func loss(_ x: [Float]) -> Double {
        let y = FloatBuffer(count: c.count)
        linear.forward(FloatBuffer(x), rows: rows, into: y, workspace)
        return FiniteDifference.inner(FiniteDifference.values(y), c)
      }
      let dx = FloatBuffer(count: x.count)
      linear.backward(FloatBuffer(c), x: FloatBuffer(x), rows: rows, into: dx, workspace)
      FiniteDifference.check(x, gradient: FiniteDifference.values(dx), "x", loss: loss)
      FiniteDifference.check(weight, "weight") { loss(x) }
      if let bias = linear.bias?.parameter { FiniteDifference.check(bias, "bias") { loss(x) } }
      if hasAdapter {
        FiniteDifference.check(adapter.a, "adapter's A") { loss(x) }
        FiniteDifference.check(adapter.b, "adapter's B") { loss(x) }
      }
    }
  }
}
