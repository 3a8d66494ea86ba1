import ArgumentParser
import Attacks
import Chat
import Evaluation
import Foundation
import LanguageModel
import LoX
import Reporting

struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Measures every α, rank and attack of an aligned pair: the main job.",
    discussion: """
      The alignment is decomposed once and the server started once; each cell of the study is a \
      choice of scaled low-rank updates on the aligned model. The run folder gets run.json, \
      samples.jsonl, summary.json, summary.csv, report.md and report.html.
      """)

  @Option(
    help: ArgumentHelp(
      "The model before alignment. Without --base and --aligned, the micro pair that comes with the "
        + "project is measured, with its own prompts and attacks.", valueName: "dir"))
  var base: String?

  @Option(help: ArgumentHelp("The aligned model: a Hugging Face folder.", valueName: "dir"))
  var aligned: String?

  @OptionGroup(title: "Models") var targets: TargetOptions

  @Option(help: "0..2 (step 0.25), 0..2:0.5, or a list such as 0,0.5,1.25. α = 0 is always added.")
  var alpha = "0..2"

  @Option(
    help:
      "Ranks of the extrapolation: 6 (the default), 3,6,100, full, or auto[:SHARE] (see extrapolate)."
  )
  var rank: String?

  @Option(
    help: ArgumentHelp(
      "Attacks: presets ("
        + AttackPreset.allCases.map(\.rawValue).joined(separator: ", ")
        + "), train:FILE or command:FILE (JSON), import:DIR (a PEFT folder), "
        + "synthetic-harmful[:STRENGTH], synthetic-benign[:STRENGTH]. none is always measured. "
        + "By default the synthetic ones; on the micro pair its own identity-shift and "
        + "benign-tuning.", valueName: "list"))
  var attack: String?

  @Option(help: "How presets train: lora or full.")
  var attackMethod = TrainingRecipe.Method.lora

  @Option(help: "What presets train from: each α's model, or the aligned model once (transferred).")
  var attackFrom = AttackOrigin.each

  @Flag(
    help: """
      Find the effective rank instead: the least r of --rank (by default 1,2,4,8,16) at which W_base + \
      Proj_r(ΔW) is as safe as the aligned model, within 0.01 of its ASR. No attacks, no α.
      """)
  var effectiveRank = false

  @Flag(help: "Print the cells and stop.")
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

  private var ranks: [Rank] {
    get throws {
      let text = rank ?? (effectiveRank ? "1,2,4,8,16" : "6")
      let named = try text.split(separator: ",", omittingEmptySubsequences: false).map {
        try parseRank(String($0))
      }
      return effectiveRank && !named.contains(.full) ? named + [.full] : named
    }
  }

  private var isMicro: Bool { base == nil && aligned == nil }

  func validate() throws {
    guard (base == nil) == (aligned == nil) else {
      throw ValidationError("expected --base and --aligned together, or neither for the micro pair")
    }
    do { _ = try AlphaList(parsing: alpha) } catch { throw ValidationError("--alpha: \(error)") }
    _ = try ranks
    guard !effectiveRank || attack == nil else {
      throw ValidationError("--attack: --effective-rank measures models before any attack")
    }
    // What a file or data set holds is looked at when the sweep runs.
    do {
      _ = try attacks
    } catch let error as AttackError where error.isUsage {
      throw ValidationError("--attack: \(error)")
    } catch {}
  }

  private var attacks: [any Attack] {
    get throws {
      let specification = AttackSpecification(
        seed: measurement.seed, method: attackMethod, origin: attackFrom, bundled: Bundled.dataset)
      return effectiveRank ? [] : try specification.parse(attack ?? standardAttacks)
    }
  }

  private var standardAttacks: String {
    guard isMicro else { return "synthetic-harmful,synthetic-benign" }
    return MicroPair.attacks.compactMap { name in
      Bundled.locate("\(MicroPair.folder)/attacks/\(name).json").map { "train:\($0.path)" }
    }.joined(separator: ",")
  }

  private func pair() throws -> AlignmentPair {
    if let base, let aligned { return try targets.open(base: base, aligned: aligned) }
    guard let folder = Bundled.locate(MicroPair.folder) else {
      throw ValidationError(
        "expected the micro pair in \(MicroPair.folder), found none; run this in the project's "
          + "folder, set LOXEVAL_HOME to it, or pass --base and --aligned")
    }
    return try targets.open(base: "\(folder.path)/base", aligned: "\(folder.path)/aligned")
  }

  func run() async throws {
    let console = common.start()
    var sweep = Sweep(
      pair: try pair(), ranks: try ranks, alphas: try AlphaList(parsing: alpha).values,
      attacks: try attacks,
      measurement: try measurement.measurement(
        threads: common.threadCount,
        standard: isMicro ? MicroPair.promptSets : Bundled.promptSets,
        judges: plan || export != nil ? [] : await measurement.judges()),
      server: try servers.choice, chatFormat: try measurement.format)
    sweep.isFromBase = effectiveRank
    if plan {
      for cell in sweep.cells {
        let stack = cell.variant.map { "\($0.name) × \(Number.text($0.scale))" }
        print(([cell.id] + stack).joined(separator: "\t"))
      }
      return
    }
    if let export {
      let file = try sweep.export(to: URL(filePath: export), serve: servers.exportTemplate) {
        console.show($0)
      }
      print(file.relativePath)
      return
    }
    let folder = try await sweep.run { console.show($0) }
    try finish(folder, console)
    guard effectiveRank else { return }
    for found in EffectiveRank.all(in: folder.summary) {
      let rates = found.rates.map { "\($0.rank): \(percent($0.attackSuccessRate))" }
      print(
        "\(found.dataset): effective rank \(found.rank.map(String.init) ?? "above those measured")"
          + " (ASR: base \(percent(found.base)), \(rates.joined(separator: ", ")),"
          + " aligned \(percent(found.aligned)))")
    }
  }

  private func percent(_ share: Double) -> String {
    String(format: "%.1f %%", 100 * share)
  }
}

/// Writes a run's reports and says what came out and where it is.
func finish(_ folder: RunFolder, _ console: Console) throws {
  let samples = folder.journal.samples
  try RunReports.write(manifest: folder.manifest, samples: samples, to: folder.url)
  print(SummaryTable.render(folder.summary))
  let page = folder.url.appending(path: "report.html").relativePath
  console.note("the report is at \(page) (for reading and sharing, with curves) and report.md")
}
