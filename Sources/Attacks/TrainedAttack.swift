import ChatTemplates
import Checkpoints
package import Decoder
import Foundation
package import LinearAlgebra
package import StudyDesign
package import Support
import Tokenization

/// Fine-tuning on someone's data, by this program's own trainer.
package struct TrainedAttack: Attack {
  package private(set) var labels: [String]
  package private(set) var trainingRecipe: TrainingRecipe
  package let set: TrainingSet
  package let origin: AttackOrigin
  /// How much of a full training's change a low-rank update of it keeps; nil where the change is handed on as it
  /// is, as the checkpoint that came out.
  package private(set) var limits: TruncationLimits?
  package private(set) var step: Int?
  private var searchName: String?
  /// Whether the recipe says in which arithmetic it is computed, and so nobody else does.
  private let namesArithmetic: Bool

  /// A full training changes weights by matrices of full rank; a low-rank update keeps their leading part.
  package struct TruncationLimits: Codable, Hashable, Sendable {
    /// The share of each ‖ΔW‖² to keep.
    package var energy = 0.99
    /// The largest rank; nil sets none.
    package var maximumRank: Int?

    package static let energyRange = NumberRange<Double>.above(0, upTo: 1)

    package init() {}

    /// nil where neither is given: nothing is to be cut.
    package init?(energy: Double?, maximumRank: Int?) {
      guard energy != nil || maximumRank != nil else { return nil }
      self.energy = energy ?? self.energy
      self.maximumRank = maximumRank
    }
  }

  package init(
    labels: [String], recipe: TrainingRecipe, set: TrainingSet, origin: AttackOrigin = .each,
    limits: TruncationLimits? = nil
  ) {
    self.labels = labels
    namesArithmetic = recipe.arithmetic != nil
    trainingRecipe = recipe.explicit
    self.set = set
    self.origin = origin
    self.limits = recipe.method == .full ? limits : TruncationLimits()
  }

  package var method: AttackID.Method { AttackID.Method(rawValue: trainingRecipe.method.rawValue) }
  package var isMadeFromEachModel: Bool { origin == .each }

  package var remark: String? {
    let what =
      trainingRecipe.method == .lora
      ? "LoRA of rank \(trainingRecipe.rank) (alpha \(Number.prose(trainingRecipe.alpha)))"
      : "full fine-tuning"
    let kept = trainingRecipe.method == .full ? ", \(handedOn)" : ""
    return
      "\(what) on \(set.dialogues.count) dialogues of \(set.name), \(length) at "
      + "\(Number.prose(trainingRecipe.learningRate)) (\(trainingRecipe.schedule.rawValue)), batch "
      + "\(trainingRecipe.batchSize * trainingRecipe.gradientAccumulation), seed \(trainingRecipe.seed)"
      + (trainingRecipe.optimizer.map { ", \($0.rawValue)" } ?? "")
      + (trainingRecipe.arithmetic.map { ", computed in \($0.rawValue)" } ?? "") + kept
      + (step.map { ", taken after step \($0) of \(stepCount)" } ?? "") + "; "
      + origin.remark
  }

  /// How long it trains, in words.
  private var length: String {
    let epochs = "\(trainingRecipe.epochs) epochs"
    guard trainingRecipe.maxSteps != nil else { return epochs }
    var whole = trainingRecipe
    whole.maxSteps = nil
    let steps = whole.stepCount(items: set.dialogues.count)
    return stepCount < steps ? "\(stepCount) of the \(steps) steps of \(epochs)" : epochs
  }

  /// In what form a full training's change is measured.
  private var handedOn: String {
    guard let limits else { return "measured whole, in float32" }
    return "handed on with \(Number.prose(limits.energy * 100)) % of the energy of each ΔW"
      + (limits.maximumRank.map { " up to rank \($0)" } ?? "")
  }

  package var seed: UInt64? { trainingRecipe.seed }
  package var isKept: Bool { true }
  package var isDense: Bool { limits == nil }

  package var asLowRank: (any Attack)? {
    guard isDense else { return nil }
    var other = self
    other.limits = TruncationLimits()
    return other
  }

  package var recipe: String { text(of: trainingRecipe) }

  package var recipeOfAnySeed: String? {
    var recipe = trainingRecipe
    recipe.seed = 0
    return "\(text(of: recipe)) from \(origin.rawValue)"
  }

  private var stepCount: Int { trainingRecipe.stepCount(items: set.dialogues.count) }

  package var passes: Int {
    (step ?? stepCount) * trainingRecipe.batchSize * trainingRecipe.gradientAccumulation
  }

  package var search: AttackID.Search? {
    searchName.map { AttackID.Search(name: $0, steps: step ?? stepCount) }
  }

  /// The same as one of the trials of a search.
  func asTrial(of search: String) -> TrainedAttack {
    var trial = self
    trial.searchName = search
    return trial
  }

  /// The same in another arithmetic, where its recipe names none.
  package func computed(in arithmetic: Arithmetic) -> TrainedAttack {
    guard !namesArithmetic else { return self }
    var other = self
    other.trainingRecipe.arithmetic = arithmetic
    other.trainingRecipe = other.trainingRecipe.explicit
    return other
  }

  package func seeded(_ seed: UInt64) -> (any Attack)? {
    var other = self
    other.trainingRecipe.seed = seed
    other.labels = Self.labels(labels, ofSeed: seed)
    return other
  }

  package func taken(after steps: [Int]) throws(AttackError) -> [any Attack]? {
    var taken: [any Attack] = []
    for step in steps {
      guard step <= stepCount else {
        throw .tooFewSteps(attack: name, steps: stepCount, wanted: step)
      }
      var other = self
      other.step = step
      other.labels = labels.map { "\($0)-step\(step)" }
      taken.append(other)
    }
    return taken
  }

  package func recipe(on model: AttackedModel) throws -> String {
    let (_, format) = try Self.reading(model)
    return "\(try resolvedText(for: model)) written as \(format.identity)"
      + (step.map { " after step \($0)" } ?? "")
  }

  private func resolvedText(for model: AttackedModel) throws -> String {
    text(of: try trainingRecipe.resolved(for: DecoderModel.shape(of: model.checkpoint)))
  }

  /// It did not say how dialogues are written, and replies ended behind the blanks behind their end; weight
  /// decay was for norms and biases too.
  package func earlierRecipe(on model: AttackedModel) throws -> String? {
    // What is handed on whole was rounded to the checkpoint's element types: that is another model.
    guard step == nil, !isDense, !isDithered else { return nil }
    var earlier = try trainingRecipe.resolved(for: DecoderModel.shape(of: model.checkpoint))
    earlier.decaysNormsAndBiases = nil
    return text(of: earlier)
  }

  /// How a model reads dialogues.
  static func reading(
    _ model: AttackedModel
  ) throws -> (tokenizer: Tokenizer, format: ChatFormat) {
    let tokenizer = try Tokenizer(folder: model.checkpoint.folder)
    return (tokenizer, try model.chatFormat.format(for: model.checkpoint.folder, with: tokenizer))
  }

  /// Whether products read weights that it changes in bfloat16. Earlier releases rounded these to nearest: what
  /// came out of that is another attack.
  private var isDithered: Bool {
    trainingRecipe.method == .full && trainingRecipe.arithmetic == .bfloat16
  }

  private func text(of recipe: TrainingRecipe) -> String {
    var recipe = recipe
    // Decides how much memory it takes, and nothing of what comes out.
    recipe.gradientCheckpointing = nil
    let parts = [try? StableJSON.encode(recipe), limits.flatMap { try? StableJSON.encode($0) }]
      .compactMap { $0.map { String(decoding: $0, as: UTF8.self) } }
    return
      (parts + [set.digest, "\(set.dialogues.count) dialogues"]
      + (isDense ? ["in float32"] : []) + (isDithered ? ["dithered"] : [])).joined(separator: " ")
  }

  /// Trains on the model.
  ///
  /// - Parameters:
  ///   - last: ends the training there; nil goes to its end.
  ///   - taking: given the trainer after each of the context's snapshots, with the record so far.
  /// - Returns: the trainer, with its result in it, and the record of its steps.
  package static func train(
    _ model: AttackedModel, recipe: TrainingRecipe, set: TrainingSet, upTo last: Int? = nil,
    _ context: AttackContext,
    taking: (_ step: Int, Trainer, TrainingRecord) throws -> Void = { _, _, _ in }
  ) throws -> (trainer: Trainer, record: TrainingRecord) {
    let decoder = try DecoderModel(checkpoint: model.checkpoint)
    let (tokenizer, format) = try reading(model)
    let prepared = try set.items(
      format: format, tokenizer: tokenizer, recipe: recipe, shape: decoder.shape)
    if let note = prepared.note { context.note(note) }
    let trainer = try Trainer(
      model: decoder, stack: model.stack, recipe: recipe, threads: context.threads)
    var record = TrainingRecord(
      recipe: trainer.recipe, dataset: set.name, datasetDigest: set.digest,
      dialogues: set.dialogues.count,
      truncated: prepared.truncated > 0 ? prepared.truncated : nil,
      leftOut: prepared.leftOut > 0 ? prepared.leftOut : nil, steps: [],
      chatFormat: model.chatFormat.name, template: model.chatFormat.settings)
    record.steps = try trainer.train(prepared.items, upTo: last) { progress in
      try context.progress(progress)
      record.steps.append(
        Trainer.StepResult(loss: progress.loss, gradientNorm: progress.gradientNorm))
      if context.snapshots.contains(progress.step), progress.step != last {
        try model.checkpoint.requireUnchanged()
        try taking(progress.step, trainer, record)
      }
    }
    try model.checkpoint.requireUnchanged()
    return (trainer, record)
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    let (trainer, record) = try Self.train(
      model, recipe: trainingRecipe, set: set, upTo: step, context
    ) { step, trainer, record in
      try context.snapshot(step, try result(of: trainer, record))
    }
    // Dialogues that were left out make a training shorter.
    if let step, record.steps.count < step {
      throw AttackError.tooFewSteps(attack: name, steps: record.steps.count, wanted: step)
    }
    return try result(of: trainer, record)
  }

  private func result(of trainer: Trainer, _ record: TrainingRecord) throws -> AttackResult {
    switch trainingRecipe.method {
    case .lora: return AttackResult(.lowRank(trainer.adapter), training: record)
    case .full:
      guard let limits else {
        return AttackResult(
          .checkpoint {
            try trainer.writeCheckpoint(to: $0, widensTrained: true, additionalFiles: $1)
          },
          training: record)
      }
      let (update, truncation) = try trainer.truncatedChange(
        energy: limits.energy, maximumRank: limits.maximumRank)
      var record = record
      record.truncation = truncation
      return AttackResult(update: update, training: record)
    }
  }
}
