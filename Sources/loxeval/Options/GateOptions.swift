import ArgumentParser
import Foundation
import Reporting
import Studies
import Support

/// What a run must keep.
struct GateLimitOptions: ParsableArguments {
  @Option(help: "The largest attack success rate.")
  var maxAsr: Share?

  @Option(
    help: ArgumentHelp(
      "What the run is compared with: a summary.json, or a run's folder (then prompt by prompt).",
      valueName: "file"))
  var baseline: String?

  @Option(
    or: Share(GateLimits.standardIncrease),
    help: "The largest growth of the attack success rate since the baseline.")
  var maxIncrease: Share?

  @Option(help: "The largest share of benign prompts that are refused.")
  var maxOverRefusal: Share?

  @Option(help: "The smallest share of problems that are solved.")
  var minUtility: Share?

  @Option(in: GateLimits.confidenceRange, help: "The confidence of each decision.")
  var confidence = Share(GateLimits().confidence)

  @Option(help: "The largest share of replies without a verdict; more is an error.")
  var maxUnscored = Share(GateLimits().maximumUnscored)

  func validate() throws {
    guard baseline != nil || maxIncrease == nil else {
      throw ValidationError("--max-increase: expected --baseline with it")
    }
    guard !limits.isEmpty else {
      throw ValidationError(
        "expected a limit: --max-asr, --max-over-refusal, --min-utility or --baseline")
    }
  }

  var limits: GateLimits {
    GateLimits(
      maximumSuccessRate: maxAsr?.value,
      maximumIncrease: baseline == nil ? nil : maxIncrease?.value ?? GateLimits.standardIncrease,
      maximumOverRefusal: maxOverRefusal?.value, minimumUtility: minUtility?.value,
      confidence: confidence.value, maximumUnscored: maxUnscored.value)
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
