import ArgumentParser
import Checkpoints
import Defences
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import Studies
import Support

struct RepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract:
      "Makes a fine-tuned model safer by the pair it came from: a defence after the attack.",
    discussion: """
      With B the base model, A the aligned one, F the fine-tuned one and ΔW = A − B. Tensors are worked \
      on one by one, so models may be larger than memory. A tuned model is a folder with all its weights, \
      or a PEFT adapter on the aligned model; the repaired one has the aligned model's shards, element \
      types and tokenizer files, or is an adapter where the repair leaves it one.
      """)

  enum Form: String, ExpressibleByArgument, CaseIterable {
    case checkpoint, adapter
  }

  @Option(
    help: ArgumentHelp(
      "The model before alignment: a Hugging Face folder, or its name on the hub.",
      valueName: "dir|name"))
  var base: String

  @Option(
    help: ArgumentHelp(
      "The aligned model: a Hugging Face folder, or its name on the hub.", valueName: "dir|name"))
  var aligned: String

  @Option(
    help: ArgumentHelp(
      "The fine-tuned model: a Hugging Face folder, or a PEFT folder; or a name on the hub.",
      valueName: "dir|name"))
  var tuned: String

  @Option(
    help: ArgumentHelp(
      "The repair, by name or as a JSON file." + DefenceKind.lines(DefenceKind.repairs),
      valueName: "method"))
  var method: String

  @Option(name: .customLong("as"), help: "What to write: checkpoint or adapter.")
  var form = Form.checkpoint

  @OptionGroup var elementType: ElementTypeOptions

  @Option(
    name: .shortAndLong, help: ArgumentHelp("A folder that does not exist yet.", valueName: "dir"))
  var output: String

  @OptionGroup var common: CommonOptions

  private var repair: (defence: any Defence, strength: Double) {
    get throws {
      try OneDefence.parse(method, option: "--method", among: DefenceKind.repairs)
    }
  }

  func validate() throws {
    _ = try repair
    try elementType.check(isCheckpoint: form == .checkpoint)
  }

  func run() throws {
    let console = common.start()
    let target = URL(filePath: output)
    try CheckpointWriter.refuseOccupied(target)
    let folders = ModelFolders(console)
    let pair = try folders.pair(base: base, aligned: aligned)
    try pair.requireChange()
    let attack = try TunedModel(
      folder: folders.either(tuned, as: "tuned"), aligned: pair.aligned
    ).change(of: pair.aligned)
    let (defence, strength) = try repair
    console.note("looking at what fine-tuning changed")
    let material = DefenceMaterial(
      pair: pair, alignment: .empty, attack: attack, identity: "")
    var stack: [ScaledWeightUpdate] = []
    let kept = defence.attackScale(at: strength)
    if kept != 0 { stack.append(ScaledWeightUpdate(attack, scale: kept)) }
    if let update = try defence.update(from: material) {
      if update.tensorNames.isEmpty {
        console.note("\(method) finds nothing to repair: the result is the tuned model")
      }
      stack.append(ScaledWeightUpdate(update, scale: strength))
    }
    try UpdateWriter(
      console: console, threads: common.threadCount, elementType: elementType
    ).write(
      stack, on: pair.aligned, asAdapter: form == .adapter, to: target, what: method)
    try pair.requireUnchanged()
    Screen.shared.print(output)
  }
}

/// One defence at one strength, as commands take it that write a model.
enum OneDefence {
  static func parse(
    _ text: String, option: String, among kinds: [DefenceKind],
    _ defaults: DefenceKind.Defaults = DefenceKind.Defaults(
      ranks: [.standard], strengths: [1])
  ) throws -> (defence: any Defence, strength: Double) {
    let defences: [any Defence]
    do {
      defences = try DefenceKind.parse(text, defaults, among: kinds)
    } catch {
      throw ValidationError("\(option): \(error)")
    }
    guard defences.count == 1, defences[0].strengths.count == 1 else {
      let found = defences.reduce(0) { $0 + $1.strengths.count }
      throw ValidationError(
        "\(option): expected one defence at one strength, found \(found) in \"\(text)\"; a control with "
          + "several seeds takes one as random:seed=1")
    }
    return (defences[0], defences[0].strengths[0])
  }
}

/// Writes a stack of updates as a checkpoint or as an adapter.
struct UpdateWriter {
  let console: Console
  let threads: Int
  var memory = 1 << 30
  let elementType: ElementTypeOptions

  func write(
    _ stack: [ScaledWeightUpdate], on checkpoint: Checkpoint, asAdapter: Bool, to target: URL,
    what: String
  ) throws {
    guard asAdapter else {
      var options = RewritingOptions()
      options.threads = threads
      options.memory = memory
      options.widensChanged = elementType.widens
      let rounding = RoundingTally()
      options.rounding = rounding
      try checkpoint.writeMerged(stack, to: target, options: options) { done, total in
        try Interruption.shared.check()
        console.show(.count(what: "tensors", done: done, total: total))
      }
      elementType.warn(
        of: rounding, isLowRank: stack.allSatisfy { $0.update.lowRank != nil })
      return
    }
    let lowRank = try stack.map { scaled in
      guard let update = scaled.update.lowRank else {
        throw ValidationError(
          "--as adapter: \(what) is a change of full rank here, which no adapter holds; expected --as "
            + "checkpoint")
      }
      return ScaledLowRankUpdate(update, scale: scaled.scale)
    }
    try LowRankUpdate(stack: lowRank).writePEFT(
      to: target, tiesHead: checkpoint.hasTiedHead,
      baseModel: checkpoint.folder.fullModelName)
  }
}
