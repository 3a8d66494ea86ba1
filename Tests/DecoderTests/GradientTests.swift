import CKernels
import Checkpoints
import Foundation
import LinearAlgebra
import Support
import TestSupport
import Testing
import TinyModel

@testable import Decoder

extension OperationTests {
  /// The kernels' and adapters' gradients, and those of a whole decoder, against finite differences;
  /// each operation has a suite of its own beside these.
  @Suite struct GradientTests {
    @Test(arguments: [5, 16, 37])
    func normsAgree(width: Int) {
      let x = FiniteDifference.random(width, seed: 1)
      let gain = FiniteDifference.random(width, seed: 2)
      let c = FiniteDifference.random(width, seed: 3)
      func loss(_ x: [Float], _ gain: [Float]) -> Double {
        var y = [Float](repeating: 0, count: width)
        unsafe loxeval_rms_norm(x, gain, width, 1e-5, &y)
        return FiniteDifference.inner(y, c)
      }
      var dx = [Float](repeating: 0, count: width)
      var dgain = [Float](repeating: 0, count: width)
      unsafe loxeval_rms_norm_backward(x, gain, c, width, 1e-5, &dx, &dgain)
      FiniteDifference.check(x, gradient: dx, "x") { loss($0, gain) }
      FiniteDifference.check(gain, gradient: dgain, "gain") { loss(x, $0) }
    }

    @Test(arguments: [3, 16, 21])
    func swiGLUAgrees(width: Int) {
      let gate = FiniteDifference.random(width, seed: 4)
      let up = FiniteDifference.random(width, seed: 5)
      let c = FiniteDifference.random(width, seed: 6)
      func loss(_ gate: [Float], _ up: [Float]) -> Double {
        var y = gate
        unsafe loxeval_silu_multiply(&y, up, width)
        return FiniteDifference.inner(y, c)
      }
      var (dgate, dup) = (gate, up)
      unsafe loxeval_silu_backward(&dgate, &dup, c, width)
      FiniteDifference.check(gate, gradient: dgate, "gate") { loss($0, up) }
      FiniteDifference.check(up, gradient: dup, "up") { loss(gate, $0) }
    }

    @Test(arguments: [(7, 0), (40, 39), (300, 123)])
    func crossEntropyAgrees(size: Int, label: Int) {
      let logits = FiniteDifference.random(size, seed: 7, scale: 2)
      var gradient = logits
      let value = unsafe loxeval_cross_entropy(&gradient, size, label, 0.7)
      let sum = logits.reduce(0.0) { $0 + exp(Double($1)) }
      #expect(abs(Double(value) - (Double(logits[label]) - log(sum))) < 1e-5)
      FiniteDifference.check(logits, gradient: gradient, "logits") { moved in
        var copy = moved
        return unsafe Double(-0.7 * loxeval_cross_entropy(&copy, size, label, 0))
      }
    }

    @Test func rotationIsUndoneByItsGradient() {
      let x = FiniteDifference.random(8, seed: 8)
      let angles = FiniteDifference.random(4, seed: 9)
      var y = x
      unsafe loxeval_rotate(&y, angles.map { cos($0) }, angles.map { sin($0) }, 8)
      unsafe loxeval_rotate(&y, angles.map { cos($0) }, angles.map { -sin($0) }, 8)
      #expect(y.count == x.count && zip(x, y).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test(arguments: [0, 0.4])
    func adaptersAgree(dropout: Double) {
      let (rows, inputs, outputs) = (9, 14, 11)
      var recipe = TrainingRecipe()
      (recipe.rank, recipe.alpha, recipe.dropout) = (3, 5, dropout)
      var generator = SplitMix64(seed: 20)
      let adapter = LowRankAdapter(
        name: "x", outputs: outputs, inputs: inputs, index: 2, recipe: recipe, generator: &generator
      )
      for (index, value) in FiniteDifference.random(outputs * 3, seed: 21).enumerated() {
        unsafe adapter.b.value.start[index] = value
      }
      let x = FiniteDifference.random(rows * inputs, seed: 22)
      let c = FiniteDifference.random(rows * outputs, seed: 23)
      let scratch = LowRankAdapter.Scratch(
        projected: FloatBuffer(count: rows * 3), gradient: FloatBuffer(count: rows * 3),
        dropped: FloatBuffer(count: rows * inputs))
      func loss(_ x: [Float]) -> Double {
        let y = FloatBuffer(count: c.count)
        unsafe adapter.addForward(
          x, rows: rows, into: y.start, key: 77, MatrixProducts(FiniteDifference.pool), scratch)
        return FiniteDifference.inner(FiniteDifference.values(y), c)
      }
      let dx = FloatBuffer(count: x.count)
      unsafe adapter.addBackward(
        c, x: x, rows: rows, into: dx.start, key: 77, MatrixProducts(FiniteDifference.pool), scratch
      )
      FiniteDifference.check(x, gradient: FiniteDifference.values(dx), "x", loss: loss)
      for parameter in [adapter.a, adapter.b] {
        let before = FiniteDifference.values(parameter.value)
        FiniteDifference.check(
          before, gradient: FiniteDifference.values(parameter.gradient), "\(parameter.name)"
        ) { moved in
          for (index, value) in moved.enumerated() { unsafe parameter.value.start[index] = value }
          defer {
            for (index, value) in before.enumerated() {
              unsafe parameter.value.start[index] = value
            }
          }
          return loss(x)
        }
      }
      if dropout > 0 {
        let y = FloatBuffer(count: x.count)
        unsafe loxeval_dropout(x, x.count, 5, 0, Float(dropout), y.start)
        let zeros = FiniteDifference.values(y).count { $0 == 0 }
        #expect((20...80).contains(zeros))
      }
    }

    /// The whole decoder, under both objectives and with an update below the training.
    @Test(arguments: TrainingRecipe.Method.allCases, TrainingRecipe.Objective.allCases)
    func theDecoderAgrees(
      method: TrainingRecipe.Method, objective: TrainingRecipe.Objective
    ) throws {
      let folder = try TemporaryFolder()
      try TinyModel.write(to: folder.url.appending(path: "m"), seed: 1)
      let model = try DecoderModel(checkpoint: Checkpoint(folder: folder.url.appending(path: "m")))
      var recipe = TrainingRecipe()
      (recipe.method, recipe.objective, recipe.rank) = (method, objective, 3)
      var stack = LowRankUpdate()
      for (name, rows) in [("model.embed_tokens", 259), ("model.layers.0.mlp.gate_proj", 48)] {
        stack.tensors["\(name).weight"] = LowRankUpdate.Factors(
          left: Matrix<Float>(
            rows: rows, columns: 2, elements: FiniteDifference.random(rows * 2, seed: 30)),
          right: Matrix<Float>(
            rows: 2, columns: 32, elements: FiniteDifference.random(64, seed: 31, scale: 0.2)))
      }
      let trainer = try Trainer(
        model: model, stack: [ScaledLowRankUpdate(stack, scale: 0.5)], recipe: recipe, threads: 2)
      for (index, parameter) in trainer.decoder.parameters.enumerated()
      where parameter.name.hasSuffix("lora_B") {
        for (place, value) in FiniteDifference.random(
          parameter.count, seed: UInt64(40 + index), scale: 0.1
        )
        .enumerated() {
          unsafe parameter.value.start[place] = value
        }
      }
      func example(_ start: Int, _ count: Int) -> TrainingExample {
        TrainingExample(
          tokens: (0..<count).map { (start + 37 * $0) % 259 }, isLabel: (0..<count).map { $0 > 2 })
      }
      let batch: [(item: TrainingItem, reference: Objective.Reference?)] =
        objective == .supervised
        ? [(.sequence(example(3, 9)), nil), (.sequence(example(50, 6)), nil)]
        : [
          (
            .pair(chosen: example(3, 9), rejected: example(3, 7)),
            Objective.Reference(chosen: -30, rejected: -21)
          )
        ]
      let loss = trainer.accumulateGradients(batch)
      #expect(loss.isFinite && loss > 0)
      let gradients = trainer.decoder.parameters.map { FiniteDifference.values($0.gradient) }
      for (parameter, gradient) in zip(trainer.decoder.parameters, gradients) {
        let before = FiniteDifference.values(parameter.value)
        FiniteDifference.check(before, gradient: gradient, "\(parameter.name)", epsilon: 3e-4) {
          moved in
          for (index, value) in moved.enumerated() { unsafe parameter.value.start[index] = value }
          defer {
            for (index, value) in before.enumerated() {
              unsafe parameter.value.start[index] = value
            }
          }
          return trainer.accumulateGradients(batch)
        }
      }
    }
  }
}
