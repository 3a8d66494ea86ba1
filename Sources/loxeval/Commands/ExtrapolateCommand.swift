import ArgumentParser
import Checkpoints
import Defences
import Foundation
import LoX
import ModelAccess
import Studies
import Support

struct ExtrapolateCommand: ParsableCommand {
  enum Form: String, ExpressibleByArgument, CaseIterable {
    case checkpoint, adapter
  }

  enum AdapterFormat: String, ExpressibleByArgument, CaseIterable {
    case peft, gguf
  }

  static let configuration = CommandConfiguration(
    commandName: "extrapolate",
    abstract:
      "Writes the LoX checkpoint W_aligned + α · Proj_k(ΔW), or the update alone; or another defence.",
    discussion: """
      The checkpoint has the aligned model's shards, element types and tokenizer files; tensors \
      that are not targets are copied byte for byte. The adapter is a PEFT folder, or a GGUF file for \
      llama.cpp's server, whose alpha carries α.
      """)

  @OptionGroup var pair: PairOptions

  @Option(
    help: ArgumentHelp(
      "How many singular directions are extrapolated: a number of \(Rank.range.span), full, or "
        + "auto[:SHARE], for each tensor the fewest that hold half (or SHARE) of its energy, at most "
        + "\(Rank.mostOfAuto). (default: \(Rank.standard))"),
    transform: { try Rank(parsing: $0) })
  var rank = Rank.standard

  @Option(in: AlphaList.range, help: "The extrapolation's factor; below 0 as --alpha=-1.")
  var alpha = 1.25

  @Option(
    help: ArgumentHelp(
      "Which defence, by name or as a JSON file. What it leaves out, --rank and --alpha say."
        + DefenceKind.lines(DefenceKind.preventions) + "\nrandom to negative are LoX's controls.",
      valueName: "defence"))
  var defence = "lox"

  @Option(name: .customLong("as"), help: "What to write: checkpoint or adapter.")
  var form = Form.checkpoint

  @OptionGroup var elementType: ElementTypeOptions

  @Option(help: "How an adapter is written: peft, or gguf for llama.cpp's server.")
  var adapterFormat = AdapterFormat.peft

  @Flag(help: "Compute full singular value decompositions instead of the leading triplets.")
  var exact = false

  @Option(
    help: ArgumentHelp(
      "Memory that tensors being worked on may take together, such as 512M or 4G; a larger tensor is "
        + "worked on alone.", valueName: "size"))
  var memory = ByteCount(bytes: 1 << 30)

  @Flag(help: "Go on where a killed run of the same command stopped (checkpoints).")
  var resume = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A folder, or a GGUF file, that does not exist yet.", valueName: "path"))
  var output: String

  @OptionGroup var common: CommonOptions

  private var chosen: (defence: any Defence, strength: Double) {
    get throws {
      try OneDefence.parse(
        defence, option: "--defence", among: DefenceKind.preventions,
        DefenceKind.Defaults(ranks: [rank], strengths: [alpha]))
    }
  }

  func validate() throws {
    let isLoX = try chosen.defence is LoXDefence
    guard isLoX || (!resume && !exact && adapterFormat == .peft) else {
      throw ValidationError(
        "--resume, --exact and --adapter-format gguf: expected --defence lox with them, found \(defence)"
      )
    }
    guard !resume || form == .checkpoint else {
      throw ValidationError("--resume: expected --as checkpoint; an adapter is written at once")
    }
    try elementType.check(isCheckpoint: form == .checkpoint)
    guard adapterFormat == .peft || form == .adapter else {
      throw ValidationError("--adapter-format: expected --as adapter")
    }
  }

  func run() throws {
    let console = common.start()
    try CheckpointWriter.refuseOccupied(URL(filePath: output))
    let pair = try pair.open(ModelFolders(console))
    try pair.requireChange()
    console.note(of: pair)
    let target = URL(filePath: output)
    let progress: @Sendable (Int, Int) throws -> Void = { done, total in
      try Interruption.shared.check()
      console.show(.count(what: "tensors", done: done, total: total))
    }
    let (defence, alpha) = try chosen
    guard let lox = defence as? LoXDefence else {
      let alignment =
        defence.rank == .leading(0)
        ? .empty
        : try Decomposition(
          of: pair, rank: defence.rank, threads: common.threadCount, memory: memory.bytes,
          progress: progress)
      let material = DefenceMaterial(pair: pair, alignment: alignment, identity: "")
      let stack = try defence.update(from: material).map {
        [ScaledWeightUpdate($0, scale: alpha)]
      }
      try UpdateWriter(
        console: console, threads: common.threadCount, memory: memory.bytes,
        elementType: elementType
      ).write(
        stack ?? [], on: pair.aligned, asAdapter: form == .adapter, to: target, what: self.defence)
      try pair.requireUnchanged()
      Screen.shared.print(output)
      return
    }
    let rank = lox.rank
    switch form {
    case .checkpoint:
      var options = ExtrapolationOptions()
      options.exact = exact
      options.threads = common.threadCount
      options.memory = memory.bytes
      options.resumes = resume
      options.widensChanged = elementType.widens
      let rounding = RoundingTally()
      options.rounding = rounding
      try pair.writeExtrapolated(
        rank: rank, alpha: alpha, options: options, to: target, progress: progress)
      elementType.warn(of: rounding, isLowRank: rank != .full)
    case .adapter:
      if adapterFormat == .gguf {
        try LowRankUpdate.checkGGUF(of: pair.targetNames, for: pair.aligned)
      }
      let decomposition = try Decomposition(
        of: pair, rank: rank, exact: exact, threads: common.threadCount, memory: memory.bytes,
        progress: progress)
      let update = decomposition.update(rank: rank)
      switch adapterFormat {
      case .peft:
        try update.writePEFT(
          to: target, scale: alpha, tiesHead: pair.aligned.hasTiedHead, naming: pair.aligned.naming,
          baseModel: pair.aligned.folder.fullModelName)
      case .gguf:
        try update.writeGGUF(to: target, scale: alpha, for: pair.aligned)
      }
    }
    Screen.shared.print(output)
  }
}
