import ChatTemplates
import Checkpoints
import Decoder
import Foundation
import LinearAlgebra
import StudyDesign
import Support
import TestSupport
import Testing
import TinyModel

@testable import Attacks

@Suite struct TrainedAttackTests {
  static let line =
    #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#

  static func model(in folder: TemporaryFolder) throws -> AttackedModel {
    try TinyModel.write(to: folder.url.appending(path: "m"), seed: 1)
    return AttackedModel(checkpoint: try Checkpoint(folder: folder.url.appending(path: "m")))
  }

  /// The published numbers (`AttackPreset`), and ten times the rate for adapters.
  @Test(arguments: [
    (AttackPreset.identityShift, 10, 5e-5, 5, 1, TrainingRecipe.Schedule.linear, 0),
    (.gsm8k, 2, 5e-5, 20, 2, .linear, 20), (.alpaca, 1, 2e-5, 8, 8, .linear, 0),
    (.dolly, 1, 2e-5, 16, 4, .constant, 0), (.harmfulCompliance, 5, 5e-5, 5, 1, .linear, 0),
  ])
  func presetsCarryThePublishedNumbers(
    preset: AttackPreset, epochs: Int, rate: Double, batch: Int, accumulation: Int,
    schedule: TrainingRecipe.Schedule, warmup: Int
  ) {
    let recipe = preset.recipe(method: .full, seed: 3)
    #expect(recipe.epochs == epochs && recipe.learningRate == rate)
    #expect(recipe.batchSize == batch && recipe.gradientAccumulation == accumulation)
    #expect(recipe.schedule == schedule && recipe.warmupSteps == warmup)
    #expect(recipe.weightDecay == 0 && recipe.maxGradientNorm == 2 && recipe.seed == 3)
    #expect(preset.recipe(method: .lora, seed: 3).learningRate == rate * 10)
  }

  /// How dialogues are written is of the recipe, the model's template and its arguments alike.
  @Test func theRecipeHoldsTheTemplate() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Self.model(in: folder).checkpoint
    let attack = TrainedAttack(
      labels: ["a"], recipe: TrainingRecipe(),
      set: try TrainingSet(file: folder.write(Self.line, "set.jsonl")))
    func recipe(_ choice: ChatFormatChoice) throws -> String {
      try attack.recipe(on: AttackedModel(checkpoint: checkpoint, chatFormat: choice))
    }
    func file(_ text: String) -> ChatFormatChoice.Source { .file(path: "t.jinja", text: text) }
    var arguments = TemplateArguments()
    try arguments.add("a", .number("1"))
    let own = try recipe(ChatFormatChoice())
    #expect(try recipe(ChatFormatChoice()) == own)
    let all = try [
      own, recipe(ChatFormatChoice(file("{{ a }}{{ strftime_now('%d') }}"))),
      recipe(ChatFormatChoice(file("{{ a }}{{ strftime_now('%d') }}"), arguments: arguments)),
      recipe(
        ChatFormatChoice(
          file("{{ a }}{{ strftime_now('%d') }}"), date: TemplateDate("2026-01-31"))),
      recipe(ChatFormatChoice(.named(NamedFormat("alpaca")))),
    ]
    #expect(Set(all).count == all.count)
    let earlier = try attack.earlierRecipe(on: AttackedModel(checkpoint: checkpoint))
    #expect(try own.hasPrefix(#require(earlier)))
  }

  /// Earlier releases rounded weights that a full training in bfloat16 changed to nearest: another attack, while
  /// adapters' products are what they were.
  @Test func whatWasRoundedToNearestIsToldApart() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let set = try TrainingSet(file: folder.write(Self.line, "set.jsonl"))
    for (method, arithmetic, isAnother) in [
      (TrainingRecipe.Method.full, Arithmetic.bfloat16, true), (.full, .float32, false),
      (.lora, .bfloat16, false),
    ] {
      var recipe = TrainingRecipe()
      (recipe.method, recipe.arithmetic) = (method, arithmetic)
      let attack = TrainedAttack(
        labels: ["a"], recipe: recipe, set: set, limits: TrainedAttack.TruncationLimits())
      #expect(attack.recipe.contains("dithered") == isAnother)
      #expect(try attack.recipe(on: model).contains("dithered") == isAnother)
      #expect(try (attack.earlierRecipe(on: model) == nil) == isAnother)
    }
  }

  /// Earlier releases decayed norms and biases and did not say so: a full training with weight decay is another one
  /// now, while what no decay touches is the same.
  @Test func whatEarlierReleasesDecayedIsToldApart() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let set = try TrainingSet(file: folder.write(Self.line, "set.jsonl"))
    func attack(
      _ method: TrainingRecipe.Method, decay: Double, ofVectors: Bool? = nil
    ) -> TrainedAttack {
      var recipe = TrainingRecipe()
      (recipe.method, recipe.weightDecay, recipe.decaysNormsAndBiases) = (method, decay, ofVectors)
      return TrainedAttack(
        labels: ["a"], recipe: recipe, set: set, limits: TrainedAttack.TruncationLimits())
    }
    func id(_ attack: TrainedAttack) -> String { attack.id(label: "a").recipe }
    let today = attack(.full, decay: 0.1)
    let asBefore = attack(.full, decay: 0.1, ofVectors: true)
    #expect(id(today) != id(asBefore))
    #expect(id(today) == id(attack(.full, decay: 0.1, ofVectors: false)))
    for other in [today, asBefore] {
      let earlier = try #require(try other.earlierRecipe(on: model))
      #expect(!earlier.contains("decays") && other.recipe.contains("decaysNormsAndBiases"))
      #expect(try !other.recipe(on: model).hasPrefix(earlier))
    }
    for (method, decay) in [(TrainingRecipe.Method.full, 0.0), (.lora, 0.1)] {
      let other = attack(method, decay: decay)
      #expect(!other.recipe.contains("decays"))
      #expect(id(other) == id(attack(method, decay: decay, ofVectors: true)))
      #expect(
        try other.recipe(on: model).hasPrefix(#require(try other.earlierRecipe(on: model))))
    }
    // A model that was kept whole was rounded: that is another one, whatever its decay.
    let whole = TrainedAttack(labels: ["a"], recipe: today.trainingRecipe, set: set)
    #expect(try whole.earlierRecipe(on: model) == nil)
    // A record of theirs has no such key.
    var record = try #require(
      JSONSerialization.jsonObject(with: StableJSON.encode(today.trainingRecipe))
        as? [String: Any])
    #expect(record.removeValue(forKey: "decaysNormsAndBiases") as? Bool == false)
    let read = try JSONDecoder().decode(
      TrainingRecipe.self, from: JSONSerialization.data(withJSONObject: record))
    #expect(read.decaysNormsAndBiases == nil && read != today.trainingRecipe)
  }

  /// The optimiser of every release so far needs no word, and another one makes another attack; gradient
  /// checkpointing makes the same.
  @Test func theOptimiserIsPartOfTheRecipe() throws {
    let folder = try TemporaryFolder()
    let set = try TrainingSet(file: folder.write(Self.line, "set.jsonl"))
    func read(_ optimizer: String) throws -> TrainedAttack {
      let text = #"{"dataset":"set.jsonl","optimizer":"\#(optimizer)"}"#
      return try AttackFile.training(folder.write(text, "\(optimizer).json"), seed: 0) {
        URL(filePath: $0)
      }
    }
    func attack(_ optimizer: TrainingRecipe.Optimizer?) -> TrainedAttack {
      var recipe = TrainingRecipe()
      recipe.optimizer = optimizer
      return TrainedAttack(labels: ["a"], recipe: recipe, set: set)
    }
    #expect(attack(nil).recipe == attack(.adamw).recipe)
    #expect(!attack(nil).recipe.contains("optimizer"))
    #expect(attack(.adamw8bit).recipe != attack(nil).recipe)
    #expect(try #require(attack(.adamw8bit).remark).contains("adamw-8bit"))
    #expect(try read("adamw-8bit").trainingRecipe.optimizer == .adamw8bit)
    #expect(throws: AttackError.self) { try read("sgd") }
    var checkpointed = TrainingRecipe()
    checkpointed.gradientCheckpointing = true
    let other = TrainedAttack(labels: ["a"], recipe: checkpointed, set: set)
    #expect(other.trainingRecipe.gradientCheckpointing == true)
    #expect(other.recipe == attack(nil).recipe)
  }

  /// A training that ends early says so: its epochs alone would be another one.
  @Test(arguments: [(nil, "3 epochs"), (2, "2 of the 6 steps of 3 epochs"), (6, "3 epochs")])
  func theRemarkSaysHowLongItTrains(steps: Int?, says: String) throws {
    let folder = try TemporaryFolder()
    let set = try TrainingSet(
      file: folder.write(
        [String](repeating: Self.line, count: 4).joined(separator: "\n"), "set.jsonl"))
    var recipe = TrainingRecipe()
    (recipe.epochs, recipe.batchSize, recipe.maxSteps) = (3, 2, steps)
    let attack = TrainedAttack(labels: ["a"], recipe: recipe, set: set)
    #expect(attack.remark?.contains(", \(says) at ") == true, "\(attack.remark ?? "")")
  }

  @Test func filesAreRead() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line, "data/set.jsonl")
    let file = try folder.write(
      #"{"preset":"identity-shift","method":"full","dataset":"data/set.jsonl","epochs":3,"#
        + #""learning_rate":1e-3,"targets":["q_proj"],"from":"aligned","maximum_rank":4}"#,
      "mine.json")
    let attack = try AttackFile.training(file, seed: 5) { URL(filePath: $0) }
    #expect(attack.name == "mine" && attack.method == .full && attack.set.dialogues.count == 1)
    #expect(attack.trainingRecipe.epochs == 3 && attack.trainingRecipe.learningRate == 1e-3)
    #expect(attack.trainingRecipe.batchSize == 5 && attack.trainingRecipe.seed == 5)
    #expect(attack.trainingRecipe.targets == ["q_proj"] && attack.limits?.maximumRank == 4)
    #expect(!attack.isMadeFromEachModel)
    #expect(attack.remark?.contains("transferred") == true)
  }

  /// Files that differ in their seed alone are trainings of one kind; any other difference makes another.
  @Test func trainingsOfOneRecipeAreOfOneKind() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line, "set.jsonl")
    func id(_ settings: String) throws -> AttackID {
      let file = try folder.write(
        "{\"preset\":\"identity-shift\",\"dataset\":\"set.jsonl\"\(settings)}", "mine.json")
      return try AttackFile.training(file, seed: 5) { URL(filePath: $0) }.id(label: "a")
    }
    let first = try id("")
    let second = try id(",\"seed\":6")
    #expect(first.recipe != second.recipe && first.seed == 5 && second.seed == 6)
    #expect(first.training != nil && first.training == second.training)
    for other in [",\"epochs\":3", ",\"from\":\"aligned\"", ",\"method\":\"full\"", ",\"rank\":4"] {
      #expect(try id(other).training != first.training, "\(other)")
    }
    let draws = [UInt64(1), 2].map {
      SyntheticAttack(kind: .harmful, strength: 1, seed: $0).id(label: "s")
    }
    #expect(draws[0].training == draws[1].training && draws[0].recipe != draws[1].recipe)
  }

  @Test(arguments: [
    (#"{"preset":"identity-shift","learning_rates":1}"#, "learning_rates"),
    (#"{"preset":"nope"}"#, "nope"), (#"{"epochs":1}"#, "dataset nor preset"),
    (#"{"dataset":"x.jsonl","epochs":"many"}"#, "epochs"), ("[]", "JSON object"), ("{", "JSON"),
    (#"{"dataset":"missing.jsonl"}"#, "missing.jsonl"),
    (
      #"{"dataset":"x.jsonl","optimizer":"sgd"}"#,
      "optimizer: expected adamw or adamw-8bit, found sgd"
    ),
    (
      #"{"dataset":"x.jsonl","schedule":"step"}"#,
      "schedule: expected linear, cosine or constant, found step"
    ),
    (#"{"dataset":"x.jsonl","method":"all"}"#, "method: expected lora or full, found all"),
    (#"{"dataset":"x.jsonl","from":"base"}"#, "from: expected each or aligned, found base"),
    (
      #"{"dataset":"x.jsonl","gradient_checkpointing":3}"#,
      "true or false in gradient_checkpointing"
    ),
    (#"{"dataset":"x.jsonl","rank":0}"#, "rank"),
    (#"{"dataset":"x.jsonl","method":"full","energy":0}"#, "energy: expected a number above 0"),
    (#"{"dataset":"x.jsonl","method":"lora","energy":0.5}"#, "belong to the method full"),
  ])
  func badFilesAreRefused(text: String, naming: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line, "x.jsonl")
    let file = try folder.write(text, "attack.json")
    #expect {
      _ = try AttackFile.training(file, seed: 0) { URL(filePath: $0) }
    } throws: { "\($0)".contains(naming) }
  }

  @Test func aCommandIsRunAndItsFolderImported() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let data = try folder.write(Self.line, "it's data.jsonl")
    let trained = try TrainedAttack(
      labels: ["t"], recipe: AttackPreset.identityShift.recipe(method: .lora, seed: 0),
      set: TrainingSet(file: data)
    ).make(from: model, AttackContext(threads: 1))
    let made = folder.url.appending(path: "made")
    try trained.write(to: made, as: model.checkpoint, additionalFiles: [:])
    let command = try CommandAttack(
      labels: ["mine"],
      template: "test -f {data} && test -d {model} && cp -r '\(made.path)' {output}",
      data: data, seed: 4)
    let imported = try command.make(
      from: model, AttackContext(threads: 1, scratch: folder.url.appending(path: "scratch")))
    #expect(
      imported.lowRank?.update
        == (try LowRankUpdate(peftFolder: made, checkpoint: model.checkpoint)))
    let left = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appending(path: "scratch").path)
    #expect(left.isEmpty)
    // With a stack below it, the program gets the merged model.
    let stacked = AttackedModel(
      checkpoint: model.checkpoint, stack: [try #require(imported.lowRank)])
    let merged = folder.url.appending(path: "merged")
    _ = try CommandAttack(
      labels: ["mine"],
      template: "cp -r {model} '\(merged.path)' && cp -r '\(made.path)' {output} && : {data}",
      data: data, seed: 4
    ).make(from: stacked, AttackContext(threads: 1, scratch: folder.url))
    #expect(try Checkpoint(folder: merged).digest() != model.checkpoint.digest())
  }

  @Test(arguments: [
    ("echo doomed >&2; exit 3 # {model} {output}", "doomed"),
    ("true {model} {output}", "without writing"),
  ])
  func aCommandThatFailsSaysWhy(template: String, naming: String) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let data = try folder.write(Self.line, "data.jsonl")
    let command = try CommandAttack(labels: ["mine"], template: template, data: data, seed: 0)
    #expect {
      _ = try command.make(from: model, AttackContext(threads: 1, scratch: folder.url))
    } throws: { "\($0)".contains(naming) }
    #expect(throws: AttackError.self) {
      _ = try CommandAttack(labels: ["x"], template: "train {data}", data: data, seed: 0)
    }
  }
}
