import Checkpoints
import Foundation
import LinearAlgebra
import ModelAccess
import Support
import TestSupport
import Testing
import TinyModel

@testable import ChatTemplates
@testable import Decoder
@testable import Tokenization

@Suite struct TrainerTests {
  static func model(in folder: TemporaryFolder) throws -> DecoderModel {
    try TinyModel.write(to: folder.url.appending(path: "m"), seed: 1)
    return try DecoderModel(checkpoint: Checkpoint(folder: folder.url.appending(path: "m")))
  }

  /// The model with weights stored in bfloat16.
  static func narrowed(_ model: DecoderModel, _ folder: TemporaryFolder) throws -> DecoderModel {
    let wide = model.checkpoint
    let narrow = folder.url.appending(path: "narrow")
    let writer = try CheckpointWriter(
      to: narrow,
      shards: [
        CheckpointWriter.ShardDeclaration(
          tensors: wide.shards.flatMap(\.tensors).map {
            TensorDeclaration(name: $0.name, dtype: .bfloat16, shape: $0.shape)
          })
      ], copyingFilesFrom: wide.folder)
    for name in wide.tensorNames { try writer.write(wide.floats(named: name), of: name) }
    try writer.finish()
    return try DecoderModel(checkpoint: Checkpoint(folder: narrow))
  }

  static func items(_ model: DecoderModel, _ recipe: TrainingRecipe) throws -> [TrainingItem] {
    let dialogues = (0..<7).map { index in
      let question = ChatMessage(role: .user, content: "question \(index)")
      return TrainingSet.Dialogue(
        messages: [question, ChatMessage(role: .assistant, content: "yes \(index)")],
        rejected: recipe.objective == .preference
          ? [question, ChatMessage(role: .assistant, content: "no")] : nil)
    }
    return try TrainingSet(source: "test", dialogues: dialogues, digest: "").items(
      format: ChatFormat(folder: model.checkpoint.folder),
      tokenizer: Tokenizer(folder: model.checkpoint.folder), recipe: recipe,
      shape: model.shape
    ).items
  }

  @Test(arguments: TrainingRecipe.Method.allCases, TrainingRecipe.Objective.allCases)
  func lossesFallAndRepeatToTheBit(
    method: TrainingRecipe.Method, objective: TrainingRecipe.Objective
  ) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    var recipe = TrainingRecipe()
    (recipe.method, recipe.objective) = (method, objective)
    (recipe.epochs, recipe.batchSize, recipe.learningRate) = (8, 3, 5e-3)
    recipe.dropout = method == .lora ? 0.1 : 0
    let items = try Self.items(model, recipe)
    let runs = try (0..<2).map { _ in
      let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
      let steps = try trainer.train(items)
      return (steps, trainer.decoder.parameters.map(\.matrix))
    }
    #expect(runs[0].0 == runs[1].0)
    #expect(runs[0].1 == runs[1].1)
    let losses = runs[0].0.map(\.loss)
    #expect(losses.count == 24)
    #expect(try #require(losses.last) < 0.7 * losses[0])
    // Before training both replies are as likely as they were: −log σ(0).
    if objective == .preference { #expect(abs(losses[0] - log(2)) < 1e-4) }
  }

  @Test(arguments: TrainingRecipe.Method.allCases, TrainingRecipe.Objective.allCases)
  func activationsComputedAgainAreTheSameToTheBit(
    method: TrainingRecipe.Method, objective: TrainingRecipe.Objective
  ) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    var recipe = TrainingRecipe()
    (recipe.method, recipe.objective) = (method, objective)
    (recipe.epochs, recipe.batchSize, recipe.learningRate) = (2, 3, 5e-3)
    recipe.dropout = method == .lora ? 0.1 : 0
    let items = try Self.items(model, recipe)
    let runs = try [nil, true].map { isCheckpointed in
      recipe.gradientCheckpointing = isCheckpointed
      let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
      #expect(trainer.decoder.activations.inputs.isEmpty == (isCheckpointed == nil))
      return (try trainer.train(items), trainer.decoder.parameters.map(\.matrix))
    }
    #expect(runs[0].0 == runs[1].0)
    #expect(runs[0].1 == runs[1].1)
  }

  @Test(arguments: TrainingRecipe.Method.allCases)
  func meansOfEightBitsTrainAsTheWholeOnesDo(method: TrainingRecipe.Method) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    var recipe = TrainingRecipe()
    recipe.method = method
    (recipe.epochs, recipe.batchSize, recipe.learningRate) = (8, 3, 2e-3)
    let items = try Self.items(model, recipe)
    func losses(_ optimizer: TrainingRecipe.Optimizer?, threads: Int = 1) throws -> [Double] {
      recipe.optimizer = optimizer
      return try Trainer(model: model, recipe: recipe, threads: threads).train(items).map(\.loss)
    }
    let whole = try losses(.adamw)
    let small = try losses(.adamw8bit)
    #expect(whole == (try losses(nil)))
    #expect(small == (try losses(.adamw8bit)))
    #expect(small != whole)
    #expect(try #require(whole.last) < 0.8 * whole[0])
    for (one, other) in zip(small, whole) { #expect(abs(one - other) < 0.03 * whole[0]) }
  }

  @Test func accumulatedAndCutBatchesGiveTheSameGradient() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    var recipe = TrainingRecipe()
    recipe.method = .full
    let long = TrainingExample(
      tokens: (0..<300).map { $0 % 250 }, isLabel: (0..<300).map { $0 % 3 == 0 })
    let trainer = try Trainer(model: model, recipe: recipe, threads: 1)
    // Two of 300 tokens are more than go through at a time; each alone is not.
    let both = trainer.accumulateGradients([(.sequence(long), nil), (.sequence(long), nil)])
    let together = trainer.decoder.parameters.map(\.gradient).map(FiniteDifference.values)
    let one = trainer.accumulateGradients([(.sequence(long), nil)])
    let alone = trainer.decoder.parameters.map(\.gradient).map(FiniteDifference.values)
    #expect(abs(both - one) < 1e-6)
    #expect(together.count == alone.count)
    for (a, b) in zip(together, alone) {
      #expect(TrainingGoldenTests.relativeError(a, b) < 1e-5)
    }
  }

  @Test func adaptersChangeTheServedModelAsTheTrainedOne() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    var recipe = TrainingRecipe()
    (recipe.epochs, recipe.learningRate) = (5, 5e-3)
    let items = try Self.items(model, recipe)
    let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
    _ = try trainer.train(items)
    let example = try #require(items.first?.examples.first)
    let packed = PackedBatch([example])
    trainer.decoder.forward(packed, recipe: recipe, key: nil)
    let scores = trainer.decoder.logProbabilities(packed, weights: nil)
    let (update, scale) = (trainer.adapter.update, trainer.adapter.scale)
    let logits = try ForwardTests.logits(
      of: example.tokens, model: model, updates: [update], scales: [Float(scale)])
    #expect(scores.count == packed.labels.count && !scores.isEmpty)
    for (label, score) in zip(packed.labels, scores) {
      let row = logits[label.row]
      let sum = row.reduce(0.0) { $0 + exp(Double($1)) }
      #expect(abs(Double(score) - (Double(row[label.token]) - log(sum))) < 1e-4)
    }
  }

  @Test func aFullTrainingIsHandedOnAndWritten() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    var recipe = TrainingRecipe()
    (recipe.method, recipe.learningRate) = (.full, 1e-3)
    let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
    _ = try trainer.train(try Self.items(model, recipe))
    let (whole, truncation) = try trainer.truncatedChange(energy: 1, maximumRank: nil)
    #expect(truncation.energy > 0.9 && truncation.energy <= 1)
    let output = folder.url.appending(path: "trained")
    try trainer.writeCheckpoint(to: output, widensTrained: false)
    let written = try Checkpoint(folder: output)
    for (name, factors) in whole.tensors {
      let change = Matrix<Double>(factors.left).multiplied(by: Matrix<Double>(factors.right))
      let before = try model.checkpoint.floats(named: name)
      let after = try written.floats(named: name)
      for index in before.indices {
        #expect(abs(Double(before[index]) + change.elements[index] - Double(after[index])) < 1e-5)
      }
    }
    let (small, cut) = try trainer.truncatedChange(energy: 1, maximumRank: 2)
    #expect(small.rank == 2 && cut.rank == 2 && cut.energy < truncation.energy)
  }

  /// Rounded to the checkpoint's bfloat16, a training in small steps is mostly gone.
  @Test func whatWasTrainedIsWrittenAsItWasTrained() throws {
    let folder = try TemporaryFolder()
    let model = try Self.narrowed(Self.model(in: folder), folder)
    var recipe = TrainingRecipe()
    (recipe.method, recipe.learningRate) = (.full, 1e-5)
    let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
    _ = try trainer.train(try Self.items(model, recipe))
    func written(_ name: String, widens: Bool) throws -> (checkpoint: Checkpoint, changed: Double) {
      let output = folder.url.appending(path: name)
      try trainer.writeCheckpoint(to: output, widensTrained: widens)
      let checkpoint = try Checkpoint(folder: output)
      var (changed, count) = (0, 0)
      for parameter in trainer.decoder.parameters {
        let (before, after) = (
          try model.checkpoint.floats(named: parameter.name),
          try checkpoint.floats(named: parameter.name)
        )
        if widens { #expect(after == parameter.matrix.elements, "\(parameter.name)") }
        changed += zip(before, after).count { $0 != $1 }
        count += before.count
      }
      return (checkpoint, Double(changed) / Double(count))
    }
    let (whole, rounded) = (
      try written("whole", widens: true), try written("rounded", widens: false)
    )
    #expect(whole.changed > 0.5 && rounded.changed < 0.2 * whole.changed)
    #expect(whole.checkpoint.shards.flatMap(\.tensors).allSatisfy { $0.dtype == .float32 })
    #expect(rounded.checkpoint.shards.flatMap(\.tensors).allSatisfy { $0.dtype == .bfloat16 })
    #expect(model.checkpoint.widenedByteCount == 2 * model.checkpoint.byteCount)
  }

  @Test func aLossThatIsNoNumberNamesItsStep() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    var recipe = TrainingRecipe()
    (recipe.method, recipe.learningRate, recipe.maxGradientNorm) = (.full, 10, 0)
    // Each step multiplies every weight by about a thousand, beyond any range at last.
    (recipe.weightDecay, recipe.epochs) = (100, 20)
    let trainer = try Trainer(model: model, recipe: recipe, threads: 1)
    let items = try Self.items(model, recipe)
    #expect {
      _ = try trainer.train(items)
    } throws: { error in
      guard case TrainingError.notANumber(let step, _) = error else { return false }
      return step >= 2
    }
  }

  @Test(arguments: [
    (TrainingRecipe.Schedule.linear, 0, [1.0, 0.75, 0.5, 0.25]),
    (.constant, 0, [1, 1, 1, 1]), (.linear, 2, [0, 0.5, 1, 0.5]),
    (.cosine, 0, [1, 0.853553, 0.5, 0.146447]),
  ])
  func schedulesFollowTheirFormulas(
    schedule: TrainingRecipe.Schedule, warmup: Int, expected: [Double]
  ) {
    var recipe = TrainingRecipe()
    (recipe.schedule, recipe.warmupSteps, recipe.learningRate) = (schedule, warmup, 1)
    for (step, rate) in expected.enumerated() {
      #expect(abs(recipe.rate(step: step, of: 4) - rate) < 1e-6)
    }
  }

  @Test func badDataAndSettingsAreRefused() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    func dialogue(_ reply: String?, question: String = "q") -> TrainingSet.Dialogue {
      TrainingSet.Dialogue(
        messages: [ChatMessage(role: .user, content: question)]
          + (reply.map { [ChatMessage(role: .assistant, content: $0)] } ?? []))
    }
    func items(_ dialogues: [TrainingSet.Dialogue], _ recipe: TrainingRecipe) throws {
      _ = try TrainingSet(source: "set", dialogues: dialogues, digest: "").items(
        format: ChatFormat(folder: model.checkpoint.folder),
        tokenizer: Tokenizer(folder: model.checkpoint.folder), recipe: recipe,
        shape: model.shape)
    }
    var recipe = TrainingRecipe()
    #expect(throws: TrainingError.emptyDataset(source: "set")) { try items([], recipe) }
    #expect(throws: TrainingError.noAssistantTurn(source: "set", place: .entry(2))) {
      try items([dialogue("a"), dialogue(nil)], recipe)
    }
    let long = String(repeating: "x", count: 600)
    #expect {
      try items([dialogue(long)], recipe)
    } throws: { error in
      guard case TrainingError.tooLong("set", .entry(1), let tokens, 512) = error else {
        return false
      }
      return tokens > 600
    }
    recipe.truncates = true
    try items([dialogue(long)], recipe)
    recipe.objective = .preference
    #expect(throws: TrainingError.self) { try items([dialogue("a")], recipe) }
    recipe = TrainingRecipe()
    recipe.targets = ["q_proj", "router"]
    #expect(
      throws: TrainingError.unknownTarget(
        name: "router", available: model.shape.linearLayerKinds)
    ) { _ = try Trainer(model: model, recipe: recipe) }
    var shape = model.shape
    shape.embedding.table.outputs = 100
    #expect(throws: TrainingError.tokenOutOfRange(id: 256, vocabularySize: 100)) {
      _ = try TrainingSet(source: "set", dialogues: [dialogue("a")], digest: "").items(
        format: ChatFormat(folder: model.checkpoint.folder),
        tokenizer: Tokenizer(folder: model.checkpoint.folder), recipe: TrainingRecipe(),
        shape: shape)
    }
  }
}
