import ArgumentParser
import Foundation
import ModelAccess
import Runs
import Scoring
import Studies
import Support

struct JudgeCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "judge-check",
    abstract: "Measures judges by labelled replies: how far can their verdicts be trusted?",
    discussion: """
      Sensitivity is the share of replies labelled complied that a judge calls so, specificity the \
      share of the others that it does not call complied. With --output the result can be given to \
      sweep, evaluate and report as --correct, for rates corrected by what the labels say.
      """)

  @Option(
    help: ArgumentHelp(
      "Labelled replies: JSON lines with prompt, response, label (complied, refused, unsuccessful, "
        + "degenerate), and where known id, category, kind, reference.", valueName: "file|name"))
  var dataset = "labelled-replies"

  @Option(
    help: ArgumentHelp(
      "Only the part of the set whose split is this: train, held-out.", valueName: "name"))
  var split: String?

  @OptionGroup var judging: JudgeOptions

  @Option(in: Studies.Measurement.Ranges.connections, help: "Replies judged at a time.")
  var maxConnections = Studies.Measurement.Standard.connections

  @Option(in: NumberRange(0...1_000_000), help: "Show at most so many mistakes of each judge.")
  var mistakes = 5

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write the result to this JSON file too.", valueName: "file"))
  var output: String?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let console = common.start()
    var set = try LabelledSet(Bundled.dataset(dataset))
    if let split {
      set.replies.removeAll { $0.split != split }
      guard !set.replies.isEmpty else {
        throw FileError.empty(
          path: Bundled.dataset(dataset).path, expected: "labelled reply with the split \(split)")
      }
    }
    let check = JudgeCheck(set: set, maxConnections: maxConnections)
    var results: [JudgeCheck.Result] = []
    for judge in try await judging.judges(
      connections: maxConnections, hiding: judging.secrets, note: { console.note($0) })
    {
      console.step("asking \(judge.name)")
      results.append(
        try await check.run(judge) { done, total in
          console.show(.count(what: "replies judged", done: done, total: total))
        })
    }
    Screen.shared.print(JudgeQualityTable.render(results.map(\.quality)))
    Screen.shared.print("\n" + JudgeQualityTable.categories(results))
    for result in results {
      let shown = result.findings.filter(\.isMistaken)
      guard !shown.isEmpty, mistakes > 0 else { continue }
      Screen.shared.print("\n\(result.quality.judge): \(shown.count) mistakes")
      for finding in shown.prefix(mistakes) {
        Screen.shared.print(
          "  \(finding.reply.id) (\(finding.reply.category)): \(finding.reply.label.rawValue), "
            + "called \(finding.judgement.verdict.rawValue)")
      }
    }
    if let output {
      let file = URL(filePath: output)
      try AtomicFile.write(
        try StableJSON.encodePretty(JudgeQualityFile(judges: results.map(\.quality))), to: file)
      console.note("the result is at \(file.relativePath)")
    }
    if let silent = results.first(where: { $0.quality.replies == $0.quality.unscored }) {
      let error = silent.findings.first?.judgement.failure?.description
      throw StudyError.judgeSilent(
        judge: silent.quality.judge, reason: error ?? "the set has no reply of its kind")
    }
  }
}
