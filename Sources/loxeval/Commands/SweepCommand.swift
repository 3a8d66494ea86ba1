import Analysis
import ArgumentParser
import Foundation
import LinearAlgebra
import ModelAccess
import Reporting
import Runs
import Studies
import StudyDesign
import Support

struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Measures every α, rank and attack of an aligned pair: the main job.",
    discussion: """
      The alignment is decomposed once and the server started once; each cell of the study is a \
      choice of scaled low-rank updates on the aligned model. The run folder gets run.json, \
      samples.jsonl, summary.json, summary.csv, report.md and report.html.
      """)

  @OptionGroup(title: "Study") var study: StudyOptions

  @OptionGroup(title: "Machines") var machines: MachineOptions

  @Option(
    help: ArgumentHelp(
      "Do one part of the study, such as 3/8: the third of eight, with a journal of its own in the run's "
        + "folder, which processes on other machines may do the other parts of. Models are divided so that "
        + "each attack is trained once and all parts have about as much to do. With --resume the same command "
        + "begins a part and goes on with it; SIGTERM ends it as --max-time does. See loxeval status and merge.",
      valueName: "i/n"),
    transform: { try Shard(parsing: $0) })
  var shard: Shard?

  @Option(
    help: ArgumentHelp(
      "Write each model of the study as a checkpoint below this folder, with cells.json for --cells "
        + "and the commands that start their servers (as --serve says), and stop.",
      valueName: "dir"))
  var export: String?

  @OptionGroup(title: "Servers") var servers: StudyServerOptions
  @OptionGroup(title: "Measurement") var measurement: MeasurementOptions
  @OptionGroup(title: "Measurement") var prompting: PromptAttackOptions
  @OptionGroup(title: "Deciding") var deciding: DecidingOptions
  @OptionGroup(title: "Costs") var costs: CostOptions
  @OptionGroup(title: "General") var common: CommonOptions
  @OptionGroup(title: "General") var file: StudyFileOptions

  func validate() throws {
    guard !study.effectiveRank || !prompting.isGiven else {
      throw ValidationError("--prompt-attack: --effective-rank measures models before any attack")
    }
    try machines.validate(output: measurement.output)
    try costs.validate(
      isPlan: machines.plan,
      isPaid: servers.isExternal || !measurement.judging.judgeEndpoint.isEmpty,
      omitted: measurement.omitted(servers.servers))
    guard costs.prices == nil || shard == nil && machines.shards == nil else {
      throw ValidationError(
        "--price-in: what --shard or --shards divides is not counted together; leave one of the two out"
      )
    }
    guard shard == nil || !machines.isPlan else {
      throw ValidationError("--shard: --plan and --submit are for all of a study's shards")
    }
    if machines.shards != nil, deciding.untilDecided {
      throw ValidationError(Self.notDivided("--shards"))
    }
    if shard != nil {
      guard measurement.output != nil else {
        throw ValidationError(
          "--shard: expected --output with the run's folder, which all shards share")
      }
      guard !deciding.untilDecided else {
        throw ValidationError(Self.notDivided("--shard"))
      }
      guard export == nil else { throw ValidationError("--shard: --export writes all models") }
    }
    guard study.effectiveRank, deciding.untilDecided else { return }
    throw ValidationError(
      "--until-decided: expected a study of defences; --effective-rank compares all its ranks on the same "
        + "prompts")
  }

  private static func notDivided(_ option: String) -> String {
    "\(option): what --until-decided asks next depends on the replies to all of the study's models; leave one of "
      + "the two out"
  }

  func run() async throws {
    let console = common.start()
    let secrets = try measurement.secrets(servers.servers)
    let book = try costs.book(in: measurement.folder)
    let writing = try measurement.writing.choice
    let folders = ModelFolders(console, run: measurement.folder)
    let (pair, attacks) = try await folders.wait { folders in
      (
        try study.pair(folders),
        try study.attacks(
          seed: measurement.seed, arithmetic: measurement.arithmetic, folders)
      )
    }
    var sweep = Sweep(
      pair: pair, defences: try study.defences(), attacks: attacks,
      measurement: try measurement.measurement(
        threads: common.threadCount, standard: study.standardSets,
        judges: machines.isPlan || export != nil
          ? []
          : await measurement.judges(servers.servers, meter: book?.meter(of: .judges)) {
            console.note($0)
          },
        secrets: secrets, prompting: prompting, deciding: deciding),
      server: try servers.source(
        hiding: secrets, continuing: measurement.continued, writing: writing,
        meter: book?.meter(of: .models)),
      chatFormat: writing,
      attackStore: study.attackStore.map { URL(filePath: $0) })
    sweep.isFromBase = study.effectiveRank
    sweep.measurement.shard = shard
    sweep.measurement.sources = folders.sources
    sweep.measurement.spending = book
    if !servers.isExternal { try sweep.requireReadArguments() }
    if machines.isPlan { return try await planned(sweep, console, hiding: secrets) }
    if let export {
      let file = try await sweep.export(to: URL(filePath: export), serve: servers.exportTemplate) {
        console.show($0)
      }
      Screen.shared.print(file.relativePath)
      return
    }
    if let bound = try await bound(sweep, hiding: secrets) { console.note("\(bound)") }
    if shard != nil { Interruption.shared.asksToStartAgain = true }
    let folder = try await sweep.run { console.show($0) }
    if let shard {
      try finish(shard, folder, console)
    } else {
      try folder.finish(console, ledger: sweep.measurement.ledger)
    }
  }
}

extension SweepCommand {
  /// What it can cost; nil where nobody gave prices.
  private func bound(_ sweep: Sweep, hiding secrets: Secrets) async throws -> CostBound? {
    guard let book = sweep.measurement.spending else { return nil }
    return try await sweep.measurement.costBound(
      of: sweep.plan.cells, book.spending, isPaid: servers.isExternal,
      judging: measurement.judging.source(hiding: secrets))
  }

  /// Shows the plan, or gives it to machines.
  private func planned(
    _ sweep: Sweep, _ console: Console, hiding secrets: Secrets
  ) async throws {
    let plan = sweep.plan
    var shown = PlannedCells(plan.cells, of: sweep.measurement)
    shown.cost = plan.cost
    shown.bound = try await bound(sweep, hiding: secrets)
    if costs.calibrate {
      shown.estimate = try await sweep.estimate(judging: measurement.judging.asking) {
        console.show($0)
      }
    }
    // A study that cannot be divided so is told of here, and not by each of its shards.
    shown.division = try machines.shards.map { shards in
      try plan.division(into: shards) { sweep.measurement.samples(of: $0) }
    }
    try machines.carryOut(output: measurement.output) { [shown] format in
      if format == .json {
        try shown.showJSON(command: Self.self, hiding: secrets)
      } else {
        shown.show(console)
      }
    }
  }
}

/// Says how far the run is of which a shard was done. Its reports are written by whoever merges it: several
/// shards may end at once.
func finish(_ shard: Shard, _ folder: RunFolder, _ console: Console) throws {
  let lost = try LostSamples(try folder.run, folder: folder.url.relativePath)
  if let sentence = lost.sentence { Screen.shared.print(sentence) }
  let progress = try RunProgress(of: folder.url)
  Screen.shared.print(ProgressTable.render(progress))
  console.note(
    progress.missing == 0
      ? "shard \(shard) is done, and so are all others; loxeval merge \(folder.url.relativePath) makes one run of "
        + "them and writes its reports"
      : "shard \(shard) is done; \(progress.missing) samples of others are missing")
}
