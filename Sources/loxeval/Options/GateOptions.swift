import ArgumentParser
import Foundation
import Reporting
import Runs
import Studies
import Support

/// What a run must keep.
struct GateLimitOptions: ParsableArguments {
  @Option(help: "The largest attack success rate.")
  var maxAsr: Share?

  @Option(help: "The largest share of benign prompts that are refused.")
  var maxOverRefusal: Share?

  @Option(help: "The smallest share of problems that are solved.")
  var minUtility: Share?

  @Option(in: GateLimits.confidenceRange, help: "The confidence of each decision.")
  var confidence = Share(GateLimits().confidence)

  @Option(help: "The largest share of replies without a verdict; more is an error.")
  var maxUnscored = Share(GateLimits().maximumUnscored)

  @Option(
    help: ArgumentHelp(
      "What the run is compared with, prompt by prompt: a summary.json, or a run's folder.",
      valueName: "file"))
  var baseline: String?

  @Option(
    or: Share(GateLimits.standardIncrease),
    help: "The largest growth of the attack success rate since the baseline.")
  var maxIncrease: Share?

  func validate() throws {
    guard baseline != nil || maxIncrease == nil else {
      throw ValidationError("--max-increase: expected --baseline with it")
    }
  }

  var limits: GateLimits {
    var limits = GateLimits(
      maximumSuccessRate: maxAsr?.value, maximumOverRefusal: maxOverRefusal?.value,
      minimumUtility: minUtility?.value, confidence: confidence.value,
      maximumUnscored: maxUnscored.value)
    limits.maximumIncrease =
      baseline == nil ? nil : maxIncrease?.value ?? GateLimits.standardIncrease
    return limits
  }
}

/// Where evidence is kept across runs.
struct LedgerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Decide by tests that may be looked at and continued, and keep in this file what they counted, "
        + "each prompt once: later runs of the same model under the same limits go on from it.",
      valueName: "file"))
  var ledger: String?

  @Flag(
    help: ArgumentHelp(
      "Begin the ledger anew. The result says so, since the best of several beginnings proves less."
    ))
  var freshLedger = false

  func validate() throws {
    guard ledger != nil || !freshLedger else {
      throw ValidationError("--fresh-ledger: expected --ledger with it")
    }
  }

  /// The file, held until it is let go.
  func open() throws -> LedgerFile? { try ledger.map { try LedgerFile(URL(filePath: $0)) } }
}

/// Whether a run goes on until its limits are decided.
struct DecidingOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Ask prompts in a shuffled order, batch by batch, until every limit is decided or --max-prompts are "
        + "asked: exit code 0 where all are kept, 1 where one is breached, 4 where one is undecided. Needs a "
        + "limit; cells and sets that no limit concerns get the first batch."))
  var untilDecided = false

  @Option(
    in: PromptLimit.range,
    help: "With --until-decided: the most prompts of each set; by default all that --limit leaves.")
  var maxPrompts: Int?

  @OptionGroup var gate: GateLimitOptions
  @OptionGroup var evidence: LedgerOptions

  func validate() throws {
    guard !untilDecided else {
      guard !gate.limits.isEmpty else {
        throw ValidationError(
          "--until-decided: expected a limit: --max-asr, --max-over-refusal, --min-utility or --baseline"
        )
      }
      return
    }
    let given: [(String, Bool)] = [
      ("--max-prompts", maxPrompts != nil), ("--max-asr", gate.maxAsr != nil),
      ("--baseline", gate.baseline != nil),
      ("--max-over-refusal", gate.maxOverRefusal != nil),
      ("--min-utility", gate.minUtility != nil), ("--ledger", evidence.ledger != nil),
    ]
    for (flag, isGiven) in given where isGiven {
      throw ValidationError("\(flag): expected --until-decided with it")
    }
  }

  /// Makes a measurement go on until it is decided, where that is asked for.
  func apply(to measurement: inout Studies.Measurement) throws {
    guard untilDecided else { return }
    let limits = gate.limits
    var find: FindBaseline?
    if let place = gate.baseline {
      let baseline = try GateSubject(baseline: URL(filePath: place))
      find = { run, prompts in try baseline.baseline(of: run, limits: limits, prompts: prompts) }
    }
    measurement.decide(
      limits, atMost: maxPrompts, ledger: try evidence.open(), isFresh: evidence.freshLedger,
      since: find)
  }
}

/// Which cells of a run are checked.
struct GateCellOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "α: a list or range as of sweep, all, or recommended (the run's own choice, decided with a "
        + "confidence that allows for the choosing). By default every α > 0, or 0 where there is no "
        + "other.", valueName: "list"), transform: { try Self.alphas($0) })
  var alpha = GateSelection.Alphas.extrapolated

  @Option(help: ArgumentHelp("Ranks; by default all.", valueName: "list"), transform: Self.list)
  var rank: [String]?

  @Option(
    help: ArgumentHelp(
      "Defences by method, such as lox; none for the model without any. By default all.",
      valueName: "list"), transform: Self.list)
  var defence: [String]?

  @Option(
    help: ArgumentHelp(
      "Attacks, none for the model before any; by default all.", valueName: "list"),
    transform: Self.list)
  var attack: [String]?

  @Option(
    help: ArgumentHelp("Datasets by name; by default all.", valueName: "list"),
    transform: Self.list)
  var dataset: [String]?

  @Option(
    help: ArgumentHelp("Judges; by default each set's first.", valueName: "list"),
    transform: Self.list)
  var judge: [String]?

  @Sendable private static func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  private static func alphas(_ text: String) throws -> GateSelection.Alphas {
    switch text {
    case "all": .all
    case "recommended": .recommended
    default: .values(try AlphaList(parsing: text).values)
    }
  }

  var selection: GateSelection {
    GateSelection(
      alphas: alpha, ranks: rank, defences: defence, attacks: attack, datasets: dataset,
      judges: judge)
  }
}
