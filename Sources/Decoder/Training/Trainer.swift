package import Checkpoints
import Foundation
import LinearAlgebra
import Support

/// Fine-tunes a model, or adapters on it, by AdamW.
///
/// Every sum has one order, so equal recipes, data and thread counts give equal bits on one machine.
/// Used by one thread at a time; its own threads do the work.
package final class Trainer {
  /// What one step came to.
  package struct StepResult: Codable, Hashable, Sendable {
    /// The mean loss over the step's labels (or pairs), before the update.
    package var loss: Double
    /// The gradient's norm before clipping.
    package var gradientNorm: Double

    package init(loss: Double, gradientNorm: Double) {
      self.loss = loss
      self.gradientNorm = gradientNorm
    }
  }

  /// How far a training is.
  package struct Progress: Sendable {
    /// Steps done, and in all.
    package var step: Int
    package var steps: Int
    package var loss: Double
    package var gradientNorm: Double
    package var learningRate: Double
    /// Tokens computed so far, over all steps.
    package var tokens: Int
    package var seconds: Double
  }

  /// With the names of the layers that get adapters.
  package let recipe: TrainingRecipe
  let model: DecoderModel
  let stack: [ScaledLowRankUpdate]
  let decoder: TrainableDecoder
  let pool: WorkerPool
  private var parameters: ParameterSet
  private var stepsDone = 0

  /// Tokens that go through the model at a time: enough for products at full speed, few enough for
  /// the activations to stay small. Longer dialogues go alone.
  static let tokensAtATime = 512

  /// - Parameters:
  ///   - stack: scaled updates on the model; what is trained is the model with them.
  ///   - threads: part of what decides the result's last bits.
  /// - Throws: `TrainingError` where the recipe is out of range or names an unknown layer.
  package init(
    model: DecoderModel, stack: [ScaledLowRankUpdate] = [],
    recipe: TrainingRecipe, threads: Int = WorkerPool.processorCount
  ) throws(TrainingError) {
    try recipe.validate()
    let recipe = try recipe.resolved(for: model.shape).explicit
    self.recipe = recipe
    self.model = model
    self.stack = stack
    pool = WorkerPool(threadCount: threads, flushesSubnormals: true)
    decoder = TrainableDecoder(model: model, stack: stack, recipe: recipe, pool: pool)
    parameters = ParameterSet(
      decoder.parameters, optimizer: recipe.optimizer ?? .adamw, pool: pool)
  }

  deinit { pool.shutDown() }

  /// How many numbers are trained.
  package var parameterCount: Int { decoder.parameters.reduce(0) { $0 + $1.count } }

  /// Trains on the items, in the recipe's order and number of steps.
  ///
  /// - Parameters:
  ///   - last: ends the training after so many steps, on the same course as one that goes on; nil goes to its
  ///     end.
  ///   - progress: called after each step; what it throws ends the training.
  /// - Returns: every step's loss and gradient norm.
  /// - Throws: `TrainingError.notANumber` where a loss or gradient is none.
  package func train(
    _ items: [TrainingItem], upTo last: Int? = nil, progress: (Progress) throws -> Void = { _ in }
  ) throws -> [StepResult] {
    let order = StepOrder(itemCount: items.count, recipe: recipe)
    let references = try referenceScores(items)
    let begin = ContinuousClock.now
    var tokens = 0
    var results: [StepResult] = []
    for (index, chosen) in order.prefix(last ?? order.count).enumerated() {
      let batch = chosen.map {
        (item: items[$0], reference: references.isEmpty ? nil : references[$0])
      }
      let rate = recipe.rate(step: index, of: order.count)
      let result = try step(batch, rate: rate)
      results.append(result)
      tokens += batch.reduce(0) { $0 + $1.item.tokenCount }
      let elapsed = (ContinuousClock.now - begin).components
      try progress(
        Progress(
          step: index + 1, steps: order.count, loss: result.loss,
          gradientNorm: result.gradientNorm, learningRate: rate, tokens: tokens,
          seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18))
    }
    return results
  }

  /// One step on supervised sequences.
  func step(_ examples: [TrainingExample], rate: Double) throws(TrainingError) -> StepResult {
    try step(examples.map { (.sequence($0), nil) }, rate: rate)
  }

  private func step(
    _ batch: [(item: TrainingItem, reference: Objective.Reference?)], rate: Double
  ) throws(TrainingError) -> StepResult {
    let loss = accumulateGradients(batch)
    stepsDone += 1
    let norm = parameters.gradientNorm()
    guard loss.isFinite else { throw .notANumber(step: stepsDone, what: "the loss") }
    guard norm.isFinite else { throw .notANumber(step: stepsDone, what: "the gradient") }
    let limit = recipe.maxGradientNorm
    let scale = limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1
    parameters.update(rate: rate, gradientScale: scale, recipe: recipe)
    return StepResult(loss: loss, gradientNorm: norm)
  }

  /// Clears the gradients, adds up those of a batch, and returns its loss.
  func accumulateGradients(
    _ batch: [(item: TrainingItem, reference: Objective.Reference?)]
  ) -> Double {
    parameters.clearGradients()
    let objective = Objective(batch.map(\.item), recipe: recipe)
    var loss = 0.0
    for (index, part) in parts(of: batch).enumerated() {
      let packed = PackedBatch(part.flatMap(\.item.examples))
      decoder.forward(packed, recipe: recipe, key: dropoutKey(part: index))
      switch recipe.objective {
      case .supervised:
        let weights = [Float](
          repeating: Float(1 / Double(objective.count)), count: packed.labels.count)
        let scores = decoder.logProbabilities(packed, weights: weights)
        loss -= scores.reduce(0) { $0 + Double($1) } / Double(objective.count)
      case .preference:
        // The weights depend on the whole replies' scores, so these come first.
        let scores = decoder.logProbabilities(packed, weights: nil)
        let (partLoss, weights) = objective.preference(
          scores: scores, packed, references: part.compactMap(\.reference))
        loss += partLoss
        _ = decoder.logProbabilities(packed, weights: weights)
      }
      decoder.backward(packed)
    }
    return loss
  }

  /// A batch cut into parts of few enough tokens, pairs kept together.
  private func parts(
    of batch: [(item: TrainingItem, reference: Objective.Reference?)]
  ) -> [[(item: TrainingItem, reference: Objective.Reference?)]] {
    var parts: [[(item: TrainingItem, reference: Objective.Reference?)]] = []
    var tokens = 0
    for entry in batch {
      let count = entry.item.tokenCount
      if parts.isEmpty || tokens + count > Self.tokensAtATime {
        parts.append([])
        tokens = 0
      }
      parts[parts.count - 1].append(entry)
      tokens += count
    }
    return parts
  }

  private func dropoutKey(part: Int) -> UInt32? {
    guard recipe.dropout > 0 else { return nil }
    var generator = SplitMix64(seed: recipe.seed &+ UInt64(stepsDone) << 20 &+ UInt64(part))
    return UInt32(truncatingIfNeeded: generator.next())
  }

  /// The scores of every pair before training, which the preference objective compares with; none
  /// for other objectives.
  private func referenceScores(
    _ items: [TrainingItem]
  ) throws(TrainingError) -> [Objective.Reference] {
    guard recipe.objective == .preference else { return [] }
    return items.map { item in
      let packed = PackedBatch(item.examples)
      decoder.forward(packed, recipe: recipe, key: nil)
      let scores = decoder.logProbabilities(packed, weights: nil)
      let sums = Objective.sums(scores, packed)
      return Objective.Reference(chosen: sums[0], rejected: sums[1])
    }
  }
}

extension TrainingRecipe {
  /// How many steps a training on so many items has.
  package func stepCount(items: Int) -> Int {
    let size = batchSize * gradientAccumulation
    return min((items / size + (items % size > 0 ? 1 : 0)) * epochs, maxSteps ?? .max)
  }
}

/// Which items each step takes.
struct StepOrder: Sequence {
  let count: Int
  private let itemCount: Int
  private let recipe: TrainingRecipe

  init(itemCount: Int, recipe: TrainingRecipe) {
    self.itemCount = itemCount
    self.recipe = recipe
    count = recipe.stepCount(items: itemCount)
  }

  func makeIterator() -> Iterator {
    Iterator(itemCount: itemCount, recipe: recipe, stepsLeft: count)
  }

  /// Draws an epoch's order when it begins: of many epochs only one is in memory.
  struct Iterator: IteratorProtocol {
    private let itemCount: Int
    private let recipe: TrainingRecipe
    private var stepsLeft: Int
    private var generator: SplitMix64
    private var epoch: ArraySlice<Int> = []

    init(itemCount: Int, recipe: TrainingRecipe, stepsLeft: Int) {
      self.itemCount = itemCount
      self.recipe = recipe
      self.stepsLeft = stepsLeft
      generator = SplitMix64(seed: recipe.seed ^ 0x5D_EECE_66D1)
    }

    mutating func next() -> [Int]? {
      guard stepsLeft > 0 else { return nil }
      stepsLeft -= 1
      if epoch.isEmpty { epoch = shuffled()[...] }
      let step = epoch.prefix(recipe.batchSize * recipe.gradientAccumulation)
      epoch = epoch.dropFirst(step.count)
      return Array(step)
    }

    private mutating func shuffled() -> [Int] {
      var order = Array(0..<itemCount)
      guard recipe.shuffles else { return order }
      // Fisher and Yates; the standard library's shuffle may change between releases.
      for last in stride(from: order.count - 1, to: 0, by: -1) {
        order.swapAt(last, Int(generator.next() % UInt64(last + 1)))
      }
      return order
    }
  }
}
