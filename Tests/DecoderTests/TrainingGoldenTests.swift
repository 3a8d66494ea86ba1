import CKernels
import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import ChatTemplates
@testable import Decoder
@testable import Tokenization

/// Losses, gradients and whole trainings against values that PyTorch and PEFT computed.
@Suite struct TrainingGoldenTests {
  struct Forward: Decodable {
    var inputIDs: [[Int]]
    var attentionMask: [[Int]]
    var labels: [[Int]]
    var loss: Double

    enum CodingKeys: String, CodingKey {
      case inputIDs = "input_ids"
      case attentionMask = "attention_mask"
      case labels, loss
    }

    var examples: [TrainingExample] {
      zip(zip(inputIDs, attentionMask), labels).map { sequence, labels in
        let length = sequence.1.reduce(0, +)
        return TrainingExample(
          tokens: Array(sequence.0[..<length]), isLabel: labels[..<length].map { $0 >= 0 })
      }
    }
  }

  struct Training: Decodable {
    var loss: [Double]
    var gradientNorm: [Double]?

    enum CodingKeys: String, CodingKey {
      case loss
      case gradientNorm = "grad_norm_before_clip"
    }
  }

  static let tiny = SharedMaterial.folder.appending(path: "golden/tiny-llama")

  static func recipe(_ method: TrainingRecipe.Method) -> TrainingRecipe {
    var recipe = TrainingRecipe()
    recipe.method = method
    return recipe
  }

  /// The tiny model's trainer; adapters start from PEFT's.
  static func tinyTrainer(_ recipe: TrainingRecipe, threads: Int = 2) throws -> Trainer {
    let checkpoint = try Checkpoint(folder: tiny)
    let trainer = try Trainer(
      model: DecoderModel(checkpoint: checkpoint), recipe: recipe, threads: threads)
    if recipe.method == .lora { try start(trainer, from: tiny.appending(path: "lora-initial")) }
    return trainer
  }

  /// Puts a PEFT folder's factors in the place of the adapters' first values.
  static func start(_ trainer: Trainer, from folder: URL) throws {
    let file = try SafetensorsFile(folder.appending(path: "adapter_model.safetensors"))
    for parameter in trainer.decoder.parameters {
      let tensor = try #require(
        file.tensor(named: "base_model.model.\(parameter.name).weight"))
      for (index, value) in try file.floats(of: tensor).enumerated() {
        unsafe parameter.value.start[index] = value
      }
    }
  }

  /// ‖found − expected‖ / ‖expected‖; infinite where their counts differ.
  static func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let difference = zip(found, expected).reduce(0.0) { sum, pair in
      let difference = Double(pair.0) - Double(pair.1)
      return sum + difference * difference
    }
    let size = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (difference / max(size, 1e-30)).squareRoot()
  }

  @Test(.enabled(if: SharedMaterial.has("golden/tiny-llama"), "needs shared/golden/tiny-llama"))
  func everyGradientAgreesWithPyTorch() throws {
    let golden: Forward = try ForwardTests.decode("golden/tiny-llama/forward.json")
    let trainer = try Self.tinyTrainer(Self.recipe(.full))
    let loss = trainer.accumulateGradients(golden.examples.map { (.sequence($0), nil) })
    #expect(abs(loss - golden.loss) < 1e-5)
    let file = try SafetensorsFile(Self.tiny.appending(path: "gradients.safetensors"))
    #expect(file.tensors.count == trainer.decoder.parameters.count)
    for parameter in trainer.decoder.parameters {
      let tensor = try #require(file.tensor(named: parameter.name))
      let found = unsafe Array(
        UnsafeBufferPointer(start: parameter.gradient.start, count: parameter.count))
      let error = Self.relativeError(found, try file.floats(of: tensor))
      #expect(error < Tolerance.gradient, "\(parameter.name)")
    }
  }

  @Test(.enabled(if: SharedMaterial.has("golden/tiny-llama"), "needs shared/golden/tiny-llama"))
  func everyAdapterGradientAgreesWithPEFT() throws {
    let golden: Forward = try ForwardTests.decode("golden/tiny-llama/forward.json")
    var recipe = Self.recipe(.lora)
    (recipe.rank, recipe.alpha) = (4, 8)
    let trainer = try Self.tinyTrainer(recipe)
    _ = trainer.accumulateGradients(golden.examples.map { (.sequence($0), nil) })
    // The file holds the gradients as the optimiser saw them, clipped to a norm of 2.
    let norm = trainer.decoder.parameters.reduce(0.0) { sum, parameter in
      unsafe sum + loxeval_squared_norm(parameter.gradient.start, parameter.count)
    }.squareRoot()
    let clipped = Float(min(1, 2 / norm))
    let file = try SafetensorsFile(
      Self.tiny.appending(path: "lora-first-gradients.safetensors"))
    #expect(file.tensors.count == trainer.decoder.parameters.count)
    for parameter in trainer.decoder.parameters {
      let tensor = try #require(
        file.tensor(named: "base_model.model.\(parameter.name).default.weight"))
      let found = unsafe UnsafeBufferPointer(
        start: parameter.gradient.start, count: parameter.count
      ).map { $0 * clipped }
      let error = Self.relativeError(found, try file.floats(of: tensor))
      #expect(error < Tolerance.gradient, "\(parameter.name)")
    }
  }

  @Test(.enabled(if: SharedMaterial.has("golden/tiny-llama"), "needs shared/golden/tiny-llama"))
  func twentyAdapterStepsFollowPEFT() throws {
    let golden: Training = try ForwardTests.decode("golden/tiny-llama/lora-training.json")
    let batch: Forward = try ForwardTests.decode("golden/tiny-llama/forward.json")
    var recipe = Self.recipe(.lora)
    (recipe.rank, recipe.alpha) = (4, 8)
    let trainer = try Self.tinyTrainer(recipe)
    for step in 0..<20 {
      let result = try trainer.step(batch.examples, rate: 5e-3 * (1 - Double(step) / 20))
      #expect(abs(result.loss - golden.loss[step]) < Tolerance.trainingLoss)
      let norm = try #require(golden.gradientNorm?[step])
      #expect(abs(result.gradientNorm / norm - 1) < 1e-3)
    }
    let expected = try SafetensorsFile(
      Self.tiny.appending(path: "lora-trained/adapter_model.safetensors"))
    for parameter in trainer.decoder.parameters {
      let tensor = try #require(
        expected.tensor(named: "base_model.model.\(parameter.name).weight"))
      let error = Self.relativeError(
        parameter.matrix.elements, try expected.floats(of: tensor))
      #expect(error < 1e-2, "\(parameter.name)")
    }
  }

  @Test(.enabled(if: SharedMaterial.has("golden/tiny-llama"), "needs shared/golden/tiny-llama"))
  func tenFullStepsFollowPyTorch() throws {
    let golden: Training = try ForwardTests.decode("golden/tiny-llama/full-training.json")
    let batch: Forward = try ForwardTests.decode("golden/tiny-llama/forward.json")
    let trainer = try Self.tinyTrainer(Self.recipe(.full))
    for step in 0..<10 {
      let result = try trainer.step(batch.examples, rate: 1e-3)
      #expect(abs(result.loss - golden.loss[step]) < Tolerance.trainingLoss)
    }
  }

  @Test(
    .tags(.realModel), .enabled(if: SharedMaterial.smolLM2 != nil, SharedMaterial.needsSmolLM2),
    .enabled(if: SharedMaterial.has("golden/smollm2"), "needs shared/golden/smollm2"),
    .enabled(if: SharedMaterial.has("data/identity-shift"), "needs shared/data/identity-shift"),
    arguments: Arithmetic.allCases)
  func tenStepsOnTheRealModelFollowPEFT(arithmetic: Arithmetic) throws {
    let golden: Training = try ForwardTests.decode("golden/smollm2/lora-training.json")
    let checkpoint = try Checkpoint(
      folder: #require(SharedMaterial.smolLM2).appending(path: "aligned"))
    let model = try DecoderModel(checkpoint: checkpoint)
    var recipe = Self.recipe(.lora)
    (recipe.rank, recipe.alpha, recipe.targets) = (4, 8, ["q_proj", "v_proj"])
    recipe.arithmetic = arithmetic
    let trainer = try Trainer(model: model, recipe: recipe)
    try Self.start(
      trainer, from: SharedMaterial.folder.appending(path: "golden/smollm2/lora-initial"))
    let set = try TrainingSet(
      file: SharedMaterial.folder.appending(path: "data/identity-shift/train.json"))
    let format = try ChatFormat(folder: checkpoint.folder)
    let tokenizer = try Tokenizer(folder: checkpoint.folder)
    let examples = try set.dialogues.map { dialogue in
      let prompt = try format.encode(Array(dialogue.messages.dropLast()), with: tokenizer)
      // The golden training takes the line end behind the reply for a part of it.
      let whole = try format.encode(dialogue.messages, with: tokenizer, ending: .none)
      return TrainingExample(
        tokens: whole, isLabel: whole.indices.map { $0 >= prompt.count })
    }
    for step in 0..<10 {
      let batch = [0, 1].map { examples[(2 * step + $0) % examples.count] }
      let result = try trainer.step(batch, rate: 2e-3 * (1 - Double(step) / 10))
      let norm = try #require(golden.gradientNorm?[step])
      let (lossTolerance, normTolerance) =
        arithmetic == .float32
        ? (Tolerance.realTrainingLoss, Tolerance.realGradientNorm)
        : (Tolerance.roundedLoss * golden.loss[step], Tolerance.roundedGradientNorm)
      #expect(abs(result.loss - golden.loss[step]) < lossTolerance)
      #expect(abs(result.gradientNorm / norm - 1) < normTolerance)
    }
  }
}
