import ArgumentParser
package import Attacks
package import Decoder
import Foundation
import LinearAlgebra
import Support

extension TrainingRecipe.Method: ExpressibleByArgument {}
extension TrainingRecipe.Schedule: ExpressibleByArgument {}
extension TrainingRecipe.Objective: ExpressibleByArgument {}
extension TrainingRecipe.Optimizer: ExpressibleByArgument {}
extension AttackOrigin: ExpressibleByArgument {}

/// How a training is done; what is not given keeps the preset's or the trainer's own value.
struct TrainingOptions: ParsableArguments {
  private typealias Ranges = TrainingRecipe.Ranges

  /// The trainer's own values, for the help.
  private static let standard = TrainingRecipe()

  @Option(in: Ranges.rank, or: Self.standard.rank, help: "The adapters' rank.")
  var rank: Int?

  @Option(
    in: Ranges.alpha, or: Self.standard.alpha,
    help: "The adapters' alpha: they are scaled by alpha / rank.")
  var loraAlpha: Double?

  @Option(
    help: ArgumentHelp(
      "The linear layers that get adapters, such as q_proj,v_proj (\(TrainingRecipe.allLinear): "
        + "every one of the model's blocks).", valueName: "list"))
  var loraTargets: String?

  @Option(
    in: Ranges.dropout, or: Self.standard.dropout,
    help: "The share of an adapter's inputs dropped in each step.")
  var dropout: Double?

  @Option(
    in: Ranges.learningRate,
    help:
      "The highest learning rate; without a preset \(Number.prose(Self.standard.learningRate)) for adapters, a "
      + "tenth of it for full training.")
  var learningRate: Double?

  @Option(
    help: ArgumentHelp(
      "How the rate falls: linear, cosine or constant. (default: \(Self.standard.schedule.rawValue))"
    ))
  var schedule: TrainingRecipe.Schedule?

  @Option(
    in: Ranges.warmupSteps, or: Self.standard.warmupSteps,
    help: "Steps in which the rate grows from 0.")
  var warmupSteps: Int?

  @Option(in: Ranges.epochs, or: Self.standard.epochs, help: "Passes over the data.")
  var epochs: Int?

  @Option(in: Ranges.maxSteps, help: "Stop after so many steps.")
  var maxSteps: Int?

  @Option(in: Ranges.batchSize, or: Self.standard.batchSize, help: "Dialogues at a time.")
  var batchSize: Int?

  @Option(
    in: Ranges.accumulation, or: Self.standard.gradientAccumulation,
    help: "Batches whose gradients make one step.")
  var accumulation: Int?

  @Option(
    in: Ranges.maxGradientNorm, or: Self.standard.maxGradientNorm,
    help: "Clip gradients at this norm; 0 does not.")
  var maxGradientNorm: Double?

  @Option(
    help: ArgumentHelp(
      "adamw or adamw-8bit, whose running means take 2 bytes a trained number in place of 8. "
        + "(default: \(TrainingRecipe.Optimizer.adamw.rawValue))"))
  var optimizer: TrainingRecipe.Optimizer?

  @Flag(
    help:
      "Compute activations again in the backward pass instead of keeping them: the same result, in less memory and a third more time."
  )
  var gradientCheckpointing = false

  @Option(in: Ranges.weightDecay, or: Self.standard.weightDecay, help: "AdamW's weight decay.")
  var weightDecay: Double?

  @Flag(
    help:
      "Weight decay draws norms and biases to 0 too; by default it leaves them alone, as Hugging Face's Trainer."
  )
  var decayNormsAndBiases = false

  @Option(
    in: Ranges.maxLength, help: "The longest dialogue in tokens; by default the model's context.")
  var maxLength: Int?

  @Flag(help: "Cut longer dialogues off at the end instead of refusing them.")
  var truncate = false

  @Flag(help: "Keep the order of the data in every epoch.")
  var inOrder = false

  @Option(in: PromptLimit.range, help: "Train on the first so many dialogues only.")
  var limit: Int?

  @Option(in: Seed.range, help: "Seeds adapters, order and dropout.")
  var seed: UInt64 = 0

  @Option(help: Arithmetic.help)
  var arithmetic = Arithmetic.float32

  /// What a training without a preset begins with.
  static func start(_ method: TrainingRecipe.Method) -> TrainingRecipe {
    var recipe = TrainingRecipe()
    recipe.method = method
    if method == .full { recipe.learningRate /= AttackPreset.adapterRateFactor }
    return recipe
  }

  /// What any training has and nothing else, with whether it was given.
  var settingsOfTraining: [(flag: String, isGiven: Bool)] {
    [
      ("--learning-rate", learningRate != nil), ("--schedule", schedule != nil),
      ("--warmup-steps", warmupSteps != nil), ("--epochs", epochs != nil),
      ("--max-steps", maxSteps != nil), ("--batch-size", batchSize != nil),
      ("--accumulation", accumulation != nil), ("--max-gradient-norm", maxGradientNorm != nil),
      ("--optimizer", optimizer != nil),
      ("--gradient-checkpointing", gradientCheckpointing), ("--weight-decay", weightDecay != nil),
      ("--decay-norms-and-biases", decayNormsAndBiases),
      ("--max-length", maxLength != nil),
      ("--truncate", truncate), ("--in-order", inOrder), ("--limit", limit != nil),
    ]
  }

  func apply(to recipe: inout TrainingRecipe) {
    func set<Value>(_ path: WritableKeyPath<TrainingRecipe, Value>, _ value: Value?) {
      if let value { recipe[keyPath: path] = value }
    }
    set(\.rank, rank)
    set(\.alpha, loraAlpha)
    set(\.targets, loraTargets?.split(separator: ",").map(String.init))
    set(\.dropout, dropout)
    set(\.learningRate, learningRate)
    set(\.schedule, schedule)
    set(\.warmupSteps, warmupSteps)
    set(\.epochs, epochs)
    set(\.batchSize, batchSize)
    set(\.gradientAccumulation, accumulation)
    set(\.maxGradientNorm, maxGradientNorm)
    set(\.weightDecay, weightDecay)
    recipe.optimizer = optimizer ?? recipe.optimizer
    if gradientCheckpointing { recipe.gradientCheckpointing = true }
    if decayNormsAndBiases { recipe.decaysNormsAndBiases = true }
    recipe.maxSteps = maxSteps ?? recipe.maxSteps
    recipe.maxLength = maxLength ?? recipe.maxLength
    recipe.truncates = truncate
    recipe.shuffles = !inOrder
    recipe.seed = seed
    recipe.arithmetic = arithmetic
  }

  /// The recipe, checked as a command line is.
  func recipe(from start: TrainingRecipe) throws -> TrainingRecipe {
    var recipe = start
    apply(to: &recipe)
    do { try recipe.validate() } catch { throw ValidationError("\(error)") }
    return recipe
  }
}
