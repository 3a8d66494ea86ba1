import ArgumentParser
package import Attacks
package import Decoder
import Foundation

extension TrainingRecipe.Method: ExpressibleByArgument {}
extension TrainingRecipe.Schedule: ExpressibleByArgument {}
extension TrainingRecipe.Objective: ExpressibleByArgument {}
extension AttackOrigin: ExpressibleByArgument {}

/// How a training is done; what is not given keeps the preset's or the trainer's own value.
struct TrainingOptions: ParsableArguments {
  @Option(help: "The adapters' rank (16).")
  var rank: Int?

  @Option(help: "The adapters' alpha: they are scaled by alpha / rank (32).")
  var loraAlpha: Double?

  @Option(
    help: ArgumentHelp(
      "The linear layers that get adapters, such as q_proj,v_proj (\(TrainingRecipe.allLinear): "
        + "every one of the model's blocks).", valueName: "list"))
  var loraTargets: String?

  @Option(help: "The share of an adapter's inputs dropped in each step (0).")
  var dropout: Double?

  @Option(help: "The highest learning rate (2e-4 without a preset).")
  var learningRate: Double?

  @Option(help: "linear, cosine or constant.")
  var schedule: TrainingRecipe.Schedule?

  @Option(help: "Steps in which the rate grows from 0 (0).")
  var warmupSteps: Int?

  @Option(help: "Passes over the data (1).")
  var epochs: Int?

  @Option(help: "Stop after so many steps.")
  var maxSteps: Int?

  @Option(help: "Dialogues at a time (8).")
  var batchSize: Int?

  @Option(help: "Batches whose gradients make one step (1).")
  var accumulation: Int?

  @Option(help: "Clip gradients at this norm; 0 does not (2).")
  var maxGradientNorm: Double?

  @Option(help: "AdamW's weight decay (0).")
  var weightDecay: Double?

  @Option(help: "The longest dialogue in tokens (the model's context).")
  var maxLength: Int?

  @Flag(help: "Cut longer dialogues off at the end instead of refusing them.")
  var truncate = false

  @Flag(help: "Keep the order of the data in every epoch.")
  var inOrder = false

  @Option(name: .customLong("limit"), help: "Train on the first so many dialogues only.")
  var limit: Int?

  @Option(help: "Seeds adapters, order and dropout.")
  var seed: UInt64 = 0

  /// What any training has and nothing else, with whether it was given.
  var settingsOfTraining: [(flag: String, isGiven: Bool)] {
    [
      ("--learning-rate", learningRate != nil), ("--schedule", schedule != nil),
      ("--warmup-steps", warmupSteps != nil), ("--epochs", epochs != nil),
      ("--max-steps", maxSteps != nil), ("--batch-size", batchSize != nil),
      ("--accumulation", accumulation != nil), ("--max-gradient-norm", maxGradientNorm != nil),
      ("--weight-decay", weightDecay != nil), ("--max-length", maxLength != nil),
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
    recipe.maxSteps = maxSteps ?? recipe.maxSteps
    recipe.maxLength = maxLength ?? recipe.maxLength
    recipe.truncates = truncate
    recipe.shuffles = !inOrder
    recipe.seed = seed
  }

  /// The recipe, checked as a command line is.
  func recipe(from start: TrainingRecipe) throws -> TrainingRecipe {
    var recipe = start
    apply(to: &recipe)
    do { try recipe.validate() } catch { throw ValidationError("\(error)") }
    if let limit, limit < 1 {
      throw ValidationError("--limit: expected at least 1, found \(limit)")
    }
    return recipe
  }
}
