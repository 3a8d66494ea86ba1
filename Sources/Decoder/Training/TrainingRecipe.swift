import Foundation
package import LinearAlgebra

/// How a model is fine-tuned: every number that decides the result.
///
/// As a JSON file its keys are in snake case, and what is left out keeps its default.
package struct TrainingRecipe: Codable, Hashable, Sendable {
  package enum Method: String, Codable, Sendable, CaseIterable {
    /// Low-rank adapters on linear layers; the weights stay as they are.
    case lora
    /// Every weight.
    case full
  }

  package enum Schedule: String, Codable, Sendable, CaseIterable {
    /// Falls to 0 with the last step.
    case linear
    /// Falls to 0 along half a cosine.
    case cosine
    case constant
  }

  package enum Objective: String, Codable, Sendable, CaseIterable {
    /// Cross-entropy on the assistant's tokens.
    case supervised
    /// Direct preference optimisation (Rafailov et al., arXiv 2305.18290) on pairs of replies.
    case preference
  }

  package enum Optimizer: String, Codable, Sendable, CaseIterable {
    /// AdamW (Loshchilov and Hutter, arXiv 1711.05101) in float32.
    case adamw
    /// The same with its running means in 8 bits: 10 bytes a trained number in place of 16.
    case adamw8bit = "adamw-8bit"
  }

  package var method = Method.lora
  package var objective = Objective.supervised
  /// r of the adapters.
  package var rank = 16
  /// The adapters' scale is alpha / rank.
  package var alpha = 32.0
  /// The linear layers that get adapters, by the last part of their names; `all-linear` is every
  /// one of the model's blocks.
  package var targets = [Self.allLinear]
  /// The share of an adapter's inputs that is zeroed in each step.
  package var dropout = 0.0
  package var learningRate = 2e-4
  package var schedule = Schedule.linear
  /// Steps in which the rate grows from 0.
  package var warmupSteps = 0
  package var epochs = 1
  /// Ends training early; nil trains every epoch to its end.
  package var maxSteps: Int?
  /// Dialogues (or pairs) at a time.
  package var batchSize = 8
  /// Batches whose gradients make one step.
  package var gradientAccumulation = 1
  /// Gradients are scaled down to this norm over all parameters; 0 leaves them alone.
  package var maxGradientNorm = 2.0
  package var weightDecay = 0.0
  /// Whether weight decay also draws norms and biases to 0, as it did in earlier releases; nil does not, as
  /// Hugging Face's Trainer does not.
  package var decaysNormsAndBiases: Bool?
  /// nil is AdamW in float32.
  package var optimizer: Optimizer?
  package var beta1 = 0.9
  package var beta2 = 0.999
  package var epsilon = 1e-8
  /// β of the preference objective.
  package var preferenceBeta = 0.1
  /// The longest dialogue in tokens; nil is the model's context.
  package var maxLength: Int?
  /// Whether longer dialogues are cut off at the end instead of refused.
  package var truncates = false
  /// Whether the order changes with each epoch.
  package var shuffles = true
  /// Whether a block's activations are computed again in the backward pass instead of kept: the same result, in a
  /// third more time and without the memory for them. nil keeps them.
  package var gradientCheckpointing: Bool?
  /// In which products with weights are computed, forwards and backwards; nil is float32.
  package var arithmetic: Arithmetic?
  /// Seeds the adapters' first values, the order and dropout.
  package var seed: UInt64 = 0

  package init() {}

  /// The target that means every linear layer of the blocks, as PEFT spells it.
  package static let allLinear = "all-linear"

  /// The adapters' scale: alpha / rank.
  package var scale: Double { alpha / Double(rank) }

  /// The learning rate of a step, counted from 0.
  package func rate(step: Int, of total: Int) -> Double {
    if step < warmupSteps { return learningRate * Double(step) / Double(warmupSteps) }
    let progress = Double(step - warmupSteps) / Double(max(1, total - warmupSteps))
    switch schedule {
    case .constant: return learningRate
    case .linear: return learningRate * max(0, 1 - progress)
    case .cosine: return learningRate * 0.5 * (1 + cos(.pi * min(1, progress)))
    }
  }
}

extension TrainingRecipe {
  /// The recipe with all said that decides its result, and nothing said that decides nothing: what is kept
  /// under it is told from what an earlier release made, which decayed norms and biases without saying so.
  package var explicit: TrainingRecipe {
    var recipe = self
    recipe.decaysNormsAndBiases =
      method == .full && weightDecay != 0 ? decaysNormsAndBiases ?? false : nil
    if arithmetic == .float32 { recipe.arithmetic = nil }
    if optimizer == .adamw { recipe.optimizer = nil }
    if gradientCheckpointing == false { recipe.gradientCheckpointing = nil }
    return recipe
  }

  /// The recipe with the names of the model's own layers as targets.
  ///
  /// - Throws: `TrainingError.unknownTarget` for a layer that the shape does not have.
  package func resolved(for shape: DecoderShape) throws(TrainingError) -> TrainingRecipe {
    let available = shape.linearLayerKinds
    for target in targets where target != Self.allLinear && !available.contains(target) {
      throw .unknownTarget(name: target, available: available)
    }
    var recipe = self
    if targets.contains(Self.allLinear) { recipe.targets = available }
    return recipe
  }
}
