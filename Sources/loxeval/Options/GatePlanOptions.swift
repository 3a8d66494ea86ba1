import ArgumentParser
import Foundation
import PromptSets
import Reporting
import Runs
import Support

/// What a gate could decide, before anything is decided.
struct GatePlanOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Decide nothing: print, for each limit, how likely the run's prompts decide it and how many are "
        + "needed, looked at once and with --until-decided or --ledger. Without a run the prompts are "
        + "those of --dataset (files or bundled sets)."))
  var plan = false

  @Option(
    in: NumberRange.above(0, upTo: 0.999), help: "With --plan: the wanted chance of a decision.")
  var power = Share(NeededPrompts.power)

  @Option(
    help: ArgumentHelp(
      "With --plan: rates that may be the truth, such as 1%,10%. By default a fifth, a half and twice "
        + "the limit's distance from perfection, and what the run measured.", valueName: "list"),
    transform: { text in
      try text.split(separator: ",", omittingEmptySubsequences: false).map {
        try Share(parsing: $0)
      }
    })
  var trueRate: [Share]?

  func validate() throws {
    guard plan || trueRate == nil else {
      throw ValidationError("--true-rate: expected --plan with it")
    }
  }

  func table(_ folder: String?, _ limits: GateLimits, _ cells: GateCellOptions) throws -> String {
    guard !limits.isEmpty else {
      throw ValidationError(
        "expected a limit: --max-asr, --max-over-refusal, --min-utility or --baseline")
    }
    var plan = GatePlan(
      limits: limits, power: power.value, rates: trueRate.map { $0.map(\.value) })
    if let folder {
      try plan.add(
        try GateSubject(run: URL(filePath: folder)), selection: cells.selection)
    } else {
      for name in cells.dataset ?? Bundled.standard.names {
        let set = try PromptSetLoader.load(Bundled.dataset(name))
        plan.add(
          set.name, kind: set.kind, prompts: set.prompts.count,
          hasReferences: set.prompts.contains { $0.reference != nil })
      }
    }
    return try plan.rendered()
  }
}
