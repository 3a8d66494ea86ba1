import ChatTemplates
import Checkpoints
package import Decoder
import Foundation
package import StudyDesign
package import Support
import Tokenization

/// Fine-tuning on someone's data, by this program's own trainer.
package struct TrainedAttack: Attack {
  package let labels: [String]
  package let trainingRecipe: TrainingRecipe
  package let set: TrainingSet
  package let origin: AttackOrigin
  /// How much of a full training's change its low-rank update keeps.
  package let limits: TruncationLimits

  /// A full training changes weights by matrices of full rank; the update keeps their leading part.
  package struct TruncationLimits: Codable, Hashable, Sendable {
    /// The share of each ‖ΔW‖² to keep.
    package var energy = 0.99
    /// The largest rank; nil sets none.
    package var maximumRank: Int?

    package static let energyRange = NumberRange<Double>.above(0, upTo: 1)

    package init() {}
  }

  package init(
    labels: [String], recipe: TrainingRecipe, set: TrainingSet, origin: AttackOrigin = .each,
    limits: TruncationLimits = TruncationLimits()
  ) {
    self.labels = labels
    trainingRecipe = recipe.explicit
    self.set = set
    self.origin = origin
    self.limits = limits
  }

  package var method: AttackID.Method { AttackID.Method(rawValue: trainingRecipe.method.rawValue) }
  package var isMadeFromEachModel: Bool { origin == .each }

  package var remark: String? {
    let what =
      trainingRecipe.method == .lora
      ? "LoRA of rank \(trainingRecipe.rank) (alpha \(Number.prose(trainingRecipe.alpha)))"
      : "full fine-tuning"
    let kept =
      trainingRecipe.method == .full
      ? ", handed on with \(Number.prose(limits.energy * 100)) % of the energy of each ΔW"
        + (limits.maximumRank.map { " up to rank \($0)" } ?? "")
      : ""
    return
      "\(what) on \(set.dialogues.count) dialogues of \(set.name), \(trainingRecipe.epochs) epochs at "
      + "\(Number.prose(trainingRecipe.learningRate)) (\(trainingRecipe.schedule.rawValue)), batch "
      + "\(trainingRecipe.batchSize * trainingRecipe.gradientAccumulation), seed \(trainingRecipe.seed)\(kept); "
      + origin.remark
  }

  package var seed: UInt64? { trainingRecipe.seed }
  package var isKept: Bool { true }

  package var recipe: String { text(of: trainingRecipe) }

  package var recipeOfAnySeed: String? {
    var recipe = trainingRecipe
    recipe.seed = 0
    return "\(text(of: recipe)) from \(origin.rawValue)"
  }

  package func recipe(on model: AttackedModel) throws -> String {
    let (_, format) = try Self.reading(model)
    let shape = try DecoderModel.shape(of: model.checkpoint)
    let recipe = text(of: try trainingRecipe.resolved(for: shape))
    return "\(recipe) written as \(format.identity)"
  }

  /// It did not say how dialogues are written, and replies ended behind the blanks behind their end; weight
  /// decay was for norms and biases too.
  package func earlierRecipe(on model: AttackedModel) throws -> String? {
    var earlier = try trainingRecipe.resolved(for: DecoderModel.shape(of: model.checkpoint))
    earlier.decaysNormsAndBiases = nil
    return text(of: earlier)
  }

  /// How a model reads dialogues.
  private static func reading(
    _ model: AttackedModel
  ) throws -> (tokenizer: Tokenizer, format: ChatFormat) {
    let tokenizer = try Tokenizer(folder: model.checkpoint.folder)
    return (tokenizer, try model.chatFormat.format(for: model.checkpoint.folder, with: tokenizer))
  }

  private func text(of recipe: TrainingRecipe) -> String {
    let parts = [try? StableJSON.encode(recipe), try? StableJSON.encode(limits)].compactMap {
      $0.map { String(decoding: $0, as: UTF8.self) }
    }
    return (parts + [set.digest, "\(set.dialogues.count) dialogues"]).joined(separator: " ")
  }

  /// Trains on the model.
  ///
  /// - Returns: the trainer, with its result in it, and the record of its steps.
  package static func train(
    _ model: AttackedModel, recipe: TrainingRecipe, set: TrainingSet, _ context: AttackContext
  ) throws -> (trainer: Trainer, record: TrainingRecord) {
    let decoder = try DecoderModel(checkpoint: model.checkpoint)
    let (tokenizer, format) = try reading(model)
    let prepared = try set.items(
      format: format, tokenizer: tokenizer, recipe: recipe, shape: decoder.shape)
    if let note = prepared.note { context.note(note) }
    let trainer = try Trainer(
      model: decoder, stack: model.stack, recipe: recipe, threads: context.threads)
    let steps = try trainer.train(prepared.items, progress: context.progress)
    try model.checkpoint.requireUnchanged()
    return (
      trainer,
      TrainingRecord(
        recipe: trainer.recipe, dataset: set.name, datasetDigest: set.digest,
        dialogues: set.dialogues.count,
        truncated: prepared.truncated > 0 ? prepared.truncated : nil,
        leftOut: prepared.leftOut > 0 ? prepared.leftOut : nil, steps: steps,
        chatFormat: model.chatFormat.name, template: model.chatFormat.settings)
    )
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    var (trainer, record) = try Self.train(model, recipe: trainingRecipe, set: set, context)
    switch trainingRecipe.method {
    case .lora:
      let adapter = trainer.adapter
      return AttackResult(update: adapter.update, scale: adapter.scale, training: record)
    case .full:
      let (update, truncation) = try trainer.truncatedChange(
        energy: limits.energy, maximumRank: limits.maximumRank)
      record.truncation = truncation
      return AttackResult(update: update, training: record)
    }
  }
}
