import ArgumentParser
import Attacks
import Chat
import Evaluation
import Foundation
import LoX
import Reporting

struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Measures every α, rank and attack of an aligned pair: the main job.",
    discussion: """
      The alignment is decomposed once and the server started once; each cell of the study is a \
      choice of scaled low-rank updates on the aligned model. The run folder gets run.json, \
      samples.jsonl, summary.json, summary.csv and report.md.
      """)

  @OptionGroup(title: "Models") var pair: PairOptions

  @Option(help: "0..2 (step 0.25), 0..2:0.5, or a list such as 0,0.5,1.25. α = 0 is always added.")
  var alpha = "0..2"

  @Option(help: "Ranks of the extrapolation: 6, 3,6,100, or full.")
  var rank = "6"

  @Option(
    help: ArgumentHelp(
      "Attacks: none, synthetic-harmful[:STRENGTH], synthetic-benign[:STRENGTH], import:DIR (a "
        + "PEFT folder). none is always measured.", valueName: "list"))
  var attack = "none,synthetic-harmful,synthetic-benign"

  @Flag(help: "Print the cells and stop.")
  var plan = false

  @OptionGroup(title: "Measurement") var measurement: MeasurementOptions
  @OptionGroup(title: "General") var common: CommonOptions

  private var ranks: [Rank] {
    get throws {
      try rank.split(separator: ",", omittingEmptySubsequences: false).map {
        try parseRank(String($0))
      }
    }
  }

  func validate() throws {
    do { _ = try AlphaList(parsing: alpha) } catch { throw ValidationError("--alpha: \(error)") }
    _ = try ranks
    do {
      _ = try AttackSpecification.parse(attack, seed: 0)
    } catch {
      throw ValidationError("--attack: \(error)")
    }
  }

  func run() async throws {
    let console = common.start()
    let sweep = Sweep(
      pair: try pair.open(), ranks: try ranks, alphas: try AlphaList(parsing: alpha).values,
      attacks: try AttackSpecification.parse(attack, seed: measurement.seed),
      measurement: try measurement.measurement(threads: common.threadCount),
      chatFormat: try measurement.format)
    if plan {
      for cell in sweep.cells {
        let stack = cell.variant.map { "\($0.name) × \(Number.text($0.scale))" }
        print(([cell.id] + stack).joined(separator: "\t"))
      }
      return
    }
    let folder = try await sweep.run { console.show($0) }
    try finish(folder, console)
  }
}

/// Writes a run's reports and says what came out and where it is.
func finish(_ folder: RunFolder, _ console: Console) throws {
  let samples = folder.journal.samples
  try RunReports.write(manifest: folder.manifest, samples: samples, to: folder.url)
  print(SummaryTable.render(folder.summary))
  console.note("the report is at \(folder.url.appending(path: "report.md").relativePath)")
}
