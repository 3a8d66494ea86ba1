package import Decoder
import Foundation
import Support
import Tokenization

extension TrainedAttack {
  /// What its training takes on this machine, from some of its steps.
  package struct Pace: Sendable {
    /// Of a step, forward, backward and the optimiser's, over its tokens.
    package var secondsPerToken: Double
    /// Until the first step is begun: opening the model and writing the dialogues.
    package var secondsToBegin: Double
    /// Steps that were measured.
    package var steps: Int
  }

  /// Dialogues of a step that is measured, at most: what more of them take follows from their tokens.
  private static let mostOfAStep = 16
  /// Steps that are measured, at most, beside the first, in which memory is touched for the first time.
  private static let mostSteps = 3

  /// Trains some steps as the recipe has them, and forgets them.
  ///
  /// - Parameters:
  ///   - budget: seconds after which no further step is begun; two are made in any case.
  ///   - check: throws where the work is to end.
  package func pace(
    on model: AttackedModel, threads: Int, within budget: Double,
    check: @escaping () throws -> Void = {}
  ) throws -> Pace {
    struct Enough: Error {}
    var recipe = trainingRecipe
    if recipe.batchSize * recipe.gradientAccumulation > Self.mostOfAStep {
      (recipe.batchSize, recipe.gradientAccumulation) = (Self.mostOfAStep, 1)
    }
    // Small sets are gone through several times, so that there are steps to measure.
    (recipe.maxSteps, recipe.epochs) = (nil, recipe.epochs + Self.mostSteps)
    let size = recipe.batchSize * recipe.gradientAccumulation
    let part = set.prefix((Self.mostSteps + 1) * size)
    let clock = SystemTime()
    let begin = clock.now
    var marks: [(tokens: Int, at: Double)] = []
    let context = AttackContext(
      threads: threads,
      progress: { progress in
        try check()
        marks.append((progress.tokens, (clock.now - begin).inSeconds))
        guard let last = marks.last, let first = marks.first, marks.count > 1 else { return }
        let step = (last.at - first.at) / Double(marks.count - 1)
        if marks.count > Self.mostSteps || last.at + step > budget { throw Enough() }
      })
    do {
      _ = try Self.train(model, recipe: recipe, set: part, context)
    } catch is Enough {}
    guard let first = marks.first, let last = marks.last, last.tokens > first.tokens else {
      throw AttackError.tooFewSteps(attack: name, steps: marks.count, wanted: 2)
    }
    let each = (last.at - first.at) / Double(last.tokens - first.tokens)
    return Pace(
      secondsPerToken: each, secondsToBegin: max(0, first.at - each * Double(first.tokens)),
      steps: marks.count - 1)
  }

  /// Dialogues that its training passes over; the last step of an epoch may have fewer than others.
  package var dialoguesRead: Int { min(passes, set.dialogues.count * trainingRecipe.epochs) }

  /// Tokens of a dialogue (or of both replies of a pair), the mean over the first of the set, as they are
  /// trained on.
  package func tokensOfADialogue(on model: AttackedModel) throws -> Double {
    let (tokenizer, format) = try Self.reading(model)
    let items = try set.prefix(256).items(
      format: format, tokenizer: tokenizer, recipe: trainingRecipe,
      shape: DecoderModel.shape(of: model.checkpoint)
    ).items
    return Double(items.reduce(0) { $0 + $1.tokenCount }) / Double(max(1, items.count))
  }

  /// The recipe as its record has it: with the names of the model's own layers.
  package func recordedRecipe(on model: AttackedModel) throws -> TrainingRecipe {
    try trainingRecipe.resolved(for: DecoderModel.shape(of: model.checkpoint)).explicit
  }
}
