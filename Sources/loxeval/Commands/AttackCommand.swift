import ArgumentParser
import Attacks
import Checkpoints
import Decoder
import Foundation
import LoX
import Runs
import Studies
import Support

struct AttackCommand: ParsableCommand {
  enum Method: String, ExpressibleByArgument, CaseIterable {
    case synthetic, lora, full, command, abliterate
  }

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case harmful, benign
  }

  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Makes one attack on a model and writes it as a PEFT folder, or as a whole model.",
    discussion: """
      lora and full fine-tune on --dataset, or on what a --preset names; a full fine-tuning is \
      handed on as its truncated singular value decomposition, or with --as checkpoint as a \
      model. synthetic attacks are proxies without data or training, and need --base. command \
      runs a trainer of your own; {model}, {data}, {output} and {seed} in its template are \
      replaced, and it must write a PEFT folder or a whole model to {output}. abliterate removes the direction \
      that tells harmful requests from harmless ones, without training; of a model with adapters \
      the result holds for the model with them.

      Presets carry the published numbers of full fine-tuning; adapters learn at ten times the \
      rate.
      """)

  enum Form: String, ExpressibleByArgument, CaseIterable {
    case adapter, checkpoint
  }

  @Option(
    help: ArgumentHelp(
      "The model to attack: a Hugging Face folder, or its name on the hub.", valueName: "dir|name"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "A PEFT folder on the model, or its name on the hub, with its scale (1), such as LoX at some α. May be repeated.",
      valueName: "dir[:scale]"),
    transform: AdapterArgument.init(argument:))
  var adapter: [AdapterArgument] = []

  @Option(
    help: ArgumentHelp(
      "The attack by name: "
        + AttackPreset.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "name"))
  var preset: String?

  @Option(
    help: "synthetic, lora, full, command or abliterate; lora where a preset or data is given.")
  var method: Method?

  @Option(
    help: ArgumentHelp(
      "Training data: chat JSONL, Alpaca, Dolly, GSM8K or identity-shift form, or a bundled set's "
        + "name.", valueName: "file|name"))
  var dataset: String?

  @OptionGroup var training: TrainingOptions

  @Option(help: "What a full fine-tuning writes: adapter or checkpoint.")
  var `as` = Form.adapter

  @Option(
    in: TrainedAttack.TruncationLimits.energyRange,
    or: Share(TrainedAttack.TruncationLimits().energy),
    help: "The share of each matrix's ‖ΔW‖² that a full fine-tuning's adapter keeps.")
  var energy: Share?

  @Option(in: Rank.range, help: "The largest rank of a full fine-tuning's adapter.")
  var maximumRank: Int?

  @Option(help: ArgumentHelp("Template of a trainer's command line.", valueName: "text"))
  var command: String?

  @Option(
    help: ArgumentHelp("Synthetic attacks: the model before alignment.", valueName: "dir"))
  var base: String?

  @Option(help: "Synthetic attacks: harmful (the default) or benign.")
  var kind: Kind?

  @Option(
    in: SyntheticAttack.strengthRange, or: SyntheticAttack.standardStrength,
    help: "Synthetic attacks: the norm as a multiple of the alignment's top directions'.")
  var strength: Double?

  @Option(
    help: ArgumentHelp(
      "abliterate: after how many blocks the direction is measured, or all for one of each block. By default "
        + "where it does best on prompts kept aside.", valueName: "number|all"))
  var layer: String?

  @Option(
    help: ArgumentHelp(
      "abliterate: requests that the model declines, lines of {\"prompt\": …}; the last quarter is kept aside. "
        + "(default: \(AbliterationAttack.harmfulSet))", valueName: "file|name"))
  var harmfulPrompts: String?

  @Option(
    help: ArgumentHelp(
      "abliterate: harmless requests. (default: \(AbliterationAttack.harmlessSet))",
      valueName: "file|name"))
  var harmlessPrompts: String?

  @Option(
    help: ArgumentHelp(
      "abliterate: tensors that may change beside those of the blocks: all (the embedding too), linear, or a "
        + "regular expression on names. (default: \(Targets.all))", valueName: "all|linear|regex"),
    transform: { try Targets(parsing: $0) })
  var targets: Targets?

  @OptionGroup var writing: ChatFormatOptions

  @Option(
    name: .shortAndLong, help: ArgumentHelp("A folder that does not exist yet.", valueName: "dir"))
  var output: String

  @OptionGroup var common: CommonOptions

  private var chosenMethod: Method { method ?? (command != nil ? .command : .lora) }

  func validate() throws {
    func check(_ holds: Bool, _ message: String) throws {
      guard holds else { throw ValidationError(message) }
    }
    if let preset { _ = try named(preset) }
    for (flag, isGiven, methods) in settings where isGiven && !methods.contains(chosenMethod) {
      let names = methods.map(\.rawValue).joined(separator: " or ")
      throw ValidationError(
        "\(flag): expected --method \(names) with it, found \(chosenMethod.rawValue)")
    }
    switch chosenMethod {
    case .synthetic:
      try check(base != nil, "--base: expected the model before alignment with --method synthetic")
    case .lora, .full:
      try check(
        preset != nil || dataset != nil, "expected --preset or --dataset to train on, found neither"
      )
      _ = try recipe
      try check(
        `as` == .adapter || chosenMethod == .full,
        "--as checkpoint: expected --method full; PEFT merges an adapter into its model")
    case .abliterate: _ = try abliterationLayer
    case .command:
      try check(
        command != nil && dataset != nil, "expected --command and --dataset with --method command")
    }
  }

  /// What belongs to some methods only: silence would hide a mistake.
  private var settings: [(flag: String, isGiven: Bool, methods: [Method])] {
    let trained = [Method.lora, .full]
    return [
      ("--preset", preset != nil, trained), ("--dataset", dataset != nil, trained + [.command]),
      ("--command", command != nil, [.command]), ("--base", base != nil, [.synthetic]),
      ("--kind", kind != nil, [.synthetic]), ("--strength", strength != nil, [.synthetic]),
      ("--layer", layer != nil, [.abliterate]),
      ("--harmful-prompts", harmfulPrompts != nil, [.abliterate]),
      ("--harmless-prompts", harmlessPrompts != nil, [.abliterate]),
      ("--targets", targets != nil, [.abliterate]),
      ("--energy", energy != nil, [.full]), ("--maximum-rank", maximumRank != nil, [.full]),
      ("--rank", training.rank != nil, [.lora, .synthetic]),
      ("--lora-alpha", training.loraAlpha != nil, [.lora]),
      ("--lora-targets", training.loraTargets != nil, [.lora]),
      ("--dropout", training.dropout != nil, [.lora]),
    ] + training.settingsOfTraining.map { ($0.flag, $0.isGiven, trained) }
  }

  private func named(_ preset: String) throws -> AttackPreset {
    do {
      return try AttackPreset(name: preset)
    } catch {
      throw ValidationError("--preset: \(error)")
    }
  }

  private var abliterationLayer: AbliterationAttack.Layer {
    get throws {
      do {
        return try layer.map { try AbliterationAttack.Layer(parsing: $0) } ?? .chosen
      } catch {
        throw ValidationError("--layer: \(error)")
      }
    }
  }

  private var recipe: TrainingRecipe {
    get throws {
      let method: TrainingRecipe.Method = chosenMethod == .full ? .full : .lora
      return try training.recipe(
        from: preset.map { try named($0).recipe(method: method, seed: training.seed) }
          ?? TrainingOptions.start(method))
    }
  }

  private var trainingSet: TrainingSet {
    get throws {
      let name = try dataset ?? preset.map { try named($0).bundledDataset } ?? ""
      return try TrainingSet(file: Bundled.dataset(name)).prefix(training.limit)
    }
  }

  func run() throws {
    let console = common.start()
    try CheckpointWriter.refuseOccupied(URL(filePath: output))
    let folders = ModelFolders(console)
    let checkpoint = try Checkpoint(folder: folders.model(model, as: "model"))
    let stack = try adapter.map { try $0.load(for: checkpoint, folders) }
      .map { ScaledLowRankUpdate($0.update, scale: $0.scale) }
    let attacked = AttackedModel(
      checkpoint: checkpoint, alignment: try alignment(of: checkpoint, folders, console),
      stack: stack,
      chatFormat: try writing.choice, targets: targets ?? .all)
    let context = AttackContext(
      threads: common.threadCount,
      note: { chosenMethod == .abliterate ? console.note($0) : Console.warning($0) },
      progress: { progress in
        try Interruption.shared.check()
        console.show(.training(progress))
      })
    let target = URL(filePath: output)
    let result = try attack.make(from: attacked, context)
    if let truncation = result.training?.truncation {
      console.note(
        "kept \(String(format: "%.1f", truncation.energy * 100)) % of ‖ΔW‖² at ranks up to "
          + "\(truncation.rank)")
    }
    let files = try result.training.map {
      [TrainingRecord.fileName: try StableJSON.encodePretty($0)]
    }
    try result.write(to: target, as: checkpoint, additionalFiles: files ?? [:])
    Screen.shared.print(output)
  }

  private var attack: any Attack {
    get throws {
      switch chosenMethod {
      case .synthetic:
        return SyntheticAttack(
          kind: kind == .benign ? .benign : .harmful,
          strength: strength ?? SyntheticAttack.standardStrength,
          rank: training.rank ?? SyntheticAttack.standardRank, seed: training.seed)
      case .lora, .full:
        let limits = TrainedAttack.TruncationLimits(
          energy: energy?.value, maximumRank: maximumRank)
        return TrainedAttack(
          labels: [preset ?? "attack"], recipe: try recipe, set: try trainingSet,
          limits: `as` == .checkpoint ? nil : limits ?? TrainedAttack.TruncationLimits())
      case .abliterate:
        return AbliterationAttack(
          layer: try abliterationLayer,
          harmful: try ContrastPrompts(
            file: Bundled.dataset(harmfulPrompts ?? AbliterationAttack.harmfulSet)),
          harmless: try ContrastPrompts(
            file: Bundled.dataset(harmlessPrompts ?? AbliterationAttack.harmlessSet)))
      case .command:
        return try CommandAttack(
          labels: ["attack"], template: command ?? "", data: Bundled.dataset(dataset ?? ""),
          seed: training.seed)
      }
    }
  }

  private func alignment(
    of checkpoint: Checkpoint, _ folders: ModelFolders, _ console: Console
  ) throws -> Decomposition? {
    guard chosenMethod == .synthetic, let base else { return nil }
    return try Decomposition(
      of: folders.pair(base: base, aligned: checkpoint),
      rank: .leading(training.rank ?? SyntheticAttack.standardRank)
    ) { done, total in
      try Interruption.shared.check()
      console.show(.count(what: "tensors decomposed", done: done, total: total))
    }
  }
}
