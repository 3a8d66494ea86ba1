import ArgumentParser
import Reporting
import Scoring
import Studies
import Support

/// Which samples of a run are looked at.
struct SampleFilterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Strengths of the defence, as of sweep: 1.25, 0,1,2 or 0..2; 0 is the untreated model.",
      valueName: "list"), transform: { try AlphaList(parsing: $0).values })
  var alpha: [Double]?

  @Option(help: ArgumentHelp("Ranks of the defence.", valueName: "list"), transform: Self.list)
  var rank: [String]?

  @Option(
    help: ArgumentHelp("Defences by method, such as lox, or none.", valueName: "list"),
    transform: Self.list)
  var defence: [String]?

  @Option(
    help: ArgumentHelp("Attacks by name, or none.", valueName: "list"), transform: Self.list)
  var attack: [String]?

  @Option(
    help: ArgumentHelp("Prompt attacks by method, or none.", valueName: "list"),
    transform: Self.list)
  var promptAttack: [String]?

  @Option(help: ArgumentHelp("Data sets by name.", valueName: "list"), transform: Self.list)
  var dataset: [String]?

  @Option(help: ArgumentHelp("Categories of prompts.", valueName: "list"), transform: Self.list)
  var category: [String]?

  @Option(help: ArgumentHelp("Prompts by id.", valueName: "list"), transform: Self.list)
  var id: [String]?

  @Option(
    help: ArgumentHelp(
      "Verdicts: " + Verdict.allCases.map(\.rawValue).joined(separator: ", ") + ".",
      valueName: "list"), transform: { try Self.verdicts($0) })
  var verdict: [Verdict]?

  @Option(help: "Whose verdict counts; by default each set's first judge's.")
  var judge: String?

  @Option(help: "A text that stands in prompt, reply or thoughts, in letters of either case.")
  var text: String?

  @Flag(help: "Only samples whose request failed, or of which a judge failed.")
  var errors = false

  @Sendable private static func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  private static func verdicts(_ text: String) throws -> [Verdict] {
    try list(text).map { name in
      guard let verdict = Verdict(rawValue: name) else {
        let known = Verdict.allCases.map(\.rawValue)
        throw ValidationError(
          "expected some of \(known.joined(separator: ", ")), found \(name)"
            + NearestName.question(name, among: known))
      }
      return verdict
    }
  }

  var selection: SampleSelection {
    var selection = SampleSelection(isFailed: errors)
    (selection.strengths, selection.ranks, selection.defences) = (alpha, rank, defence)
    (selection.attacks, selection.promptAttacks) = (attack, promptAttack)
    (selection.datasets, selection.categories, selection.ids) = (dataset, category, id)
    (selection.verdicts, selection.judge, selection.text) = (verdict, judge, text)
    return selection
  }
}
