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

  @Flag(help: "Print the cells (id, the model's id as --cells wants it, updates) and stop.")
  var plan = false

  @Option(
    help: ArgumentHelp(
      "Write each model of the study as a checkpoint below this folder, with cells.json for --cells "
        + "and the commands that start their servers (as --serve says), and stop.",
      valueName: "dir"))
  var export: String?

  @OptionGroup(title: "Servers") var servers: StudyServerOptions
  @OptionGroup(title: "Measurement") var measurement: MeasurementOptions
  @OptionGroup(title: "General") var common: CommonOptions

  func validate() throws {
    guard !study.effectiveRank || measurement.promptAttack.isEmpty else {
      throw ValidationError("--prompt-attack: --effective-rank measures models before any attack")
    }
    guard study.effectiveRank, measurement.deciding.untilDecided else { return }
    throw ValidationError(
      "--until-decided: expected a study of defences; --effective-rank compares all its ranks on the same "
        + "prompts")
  }

  func run() async throws {
    let console = common.start()
    let secrets = try measurement.secrets(servers.servers)
    let writing = try measurement.writing.choice
    var sweep = Sweep(
      pair: try study.pair(), defences: try study.defences(),
      attacks: try study.attacks(
        seed: measurement.seed, arithmetic: measurement.computing.arithmetic),
      measurement: try measurement.measurement(
        threads: common.threadCount, standard: study.standardSets,
        judges: plan || export != nil
          ? [] : await measurement.judges(servers.servers) { console.note($0) },
        secrets: secrets),
      server: try servers.source(
        hiding: secrets, continuing: measurement.continued, writing: writing),
      chatFormat: writing,
      attackStore: study.attackStore.map { URL(filePath: $0) })
    sweep.isFromBase = study.effectiveRank
    if !servers.isExternal { try sweep.requireReadArguments() }
    if plan {
      PlannedCells.show(sweep.plan.cells, of: sweep.measurement, console)
      return
    }
    if let export {
      let file = try await sweep.export(to: URL(filePath: export), serve: servers.exportTemplate) {
        console.show($0)
      }
      Screen.shared.print(file.relativePath)
      return
    }
    let folder = try await sweep.run { console.show($0) }
    try finish(folder, console, ledger: sweep.measurement.ledger)
  }
}

/// Writes a run's reports and says what came out and where it is.
///
/// - Parameter ledger: what a run that goes on until it is decided has counted in.
/// - Throws: where a cell has no verdict at all: what is not measured is not done; the exit code of a run
///   that goes on until it is decided.
func finish(_ folder: RunFolder, _ console: Console, ledger: EvidenceLedger? = nil) throws {
  let samples = folder.journal.samples
  try RunReports.write(manifest: folder.manifest, samples: samples, to: folder.url)
  let summary = folder.summary
  Screen.shared.print(SummaryTable.render(summary))
  let lost = LostSamples(samples, folder: folder.url.relativePath)
  if let sentence = lost.sentence { Screen.shared.print(sentence) }
  for found in summary.effectiveRanks {
    let rank = found.rank.map(String.init) ?? "above those measured"
    Screen.shared.print("effective rank on \(found.dataset): \(rank)")
  }
  let page = folder.url.appending(path: "report.html").relativePath
  console.note("the report is at \(page) (for reading and sharing, with curves) and report.md")
  try summary.requireVerdicts(quoting: lost)
  guard let sequential = folder.manifest.plan.sequential else { return }
  let result = Gate(limits: sequential.limits).check(
    GateSubject(summary: summary, samples: samples, manifest: folder.manifest),
    ledger: try ledger?.gateLedger)
  Screen.shared.print("\n" + GateTable.render(result))
  if result.exitCode != 0 { throw ExitCode(result.exitCode) }
}

extension EvidenceLedger {
  /// As it was left by the run.
  fileprivate var gateLedger: GateLedger {
    get throws { GateLedger(path: path, book: try current, isFresh: false) }
  }
}
