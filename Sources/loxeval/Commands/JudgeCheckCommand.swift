import ArgumentParser
import Foundation
import ModelAccess
import Reporting
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
      share of the others that it does not call complied. A judge errs otherwise on other models' replies, so \
      a run's rates are corrected by labels of its own replies alone (see label).

      With --disagreements the replies are listed on which judges differ among each other or from the \
      label, to be read; of a run, those on which its judges do.
      """)

  @Argument(
    help: ArgumentHelp(
      "A run's folder, with --disagreements; --dataset is then a file of labels of its replies, or none.",
      valueName: "run"))
  var folder: String?

  @Option(
    help: ArgumentHelp(
      "Labelled replies: JSON lines with prompt, response, label (complied, refused, unsuccessful, "
        + "degenerate), and where known id, category, kind, reference. (default: \(Self.standard))",
      valueName: "file|name"))
  var dataset: String?

  private static let standard = "labelled-replies"

  @Option(
    help: ArgumentHelp(
      "Only the part of the set whose split is this: train, held-out.", valueName: "name"))
  var split: String?

  @OptionGroup var judging: JudgeOptions

  @Option(in: Studies.Measurement.Ranges.connections, help: "Replies judged at a time.")
  var maxConnections = Studies.Measurement.Standard.connections

  @Option(in: NumberRange(0...1_000_000), help: "Show at most so many mistakes of each judge.")
  var mistakes = 5

  @Flag(
    help:
      "List the replies on which judges differ among each other or from the label, instead of the tables."
  )
  var disagreements = false

  @Option(
    help: ArgumentHelp(
      "How they are listed: "
        + DisagreementList.Format.allCases.map(\.rawValue).joined(separator: ", ") + ".",
      valueName: "name"))
  var format = DisagreementList.Format.text

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write the result to this JSON file too.", valueName: "file"))
  var output: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard let folder else { return }
    guard disagreements else {
      throw ValidationError("expected --disagreements with a run's folder, found \(folder) alone")
    }
    guard split == nil, output == nil else {
      throw ValidationError("expected either a run's folder or --split and --output")
    }
    guard judging.judge == nil else {
      throw ValidationError(
        "--judge: the verdicts that a run has are listed; add others with loxeval rejudge \(folder) "
          + "--judge")
    }
  }

  func run() async throws {
    if let folder {
      try list(run: URL(filePath: folder))
    } else {
      try await check()
    }
  }

  private func list(run folder: URL) throws {
    let run = try StoredRun(folder)
    let labels = try dataset.map { try LabelFile(Bundled.dataset($0), of: run).labels }
    let opinions = try run.opinions(labels: labels ?? [])
    guard labels != nil || opinions.haveSeveralJudges else {
      throw StudyError.oneJudge(run: folder.path)
    }
    Screen.shared.print(DisagreementList.render(opinions, as: format))
  }

  private func check() async throws {
    let console = common.start()
    let file = Bundled.dataset(dataset ?? Self.standard)
    var set = try LabelledSet(file)
    if let split {
      set.replies.removeAll { $0.split != split }
      guard !set.replies.isEmpty else {
        throw FileError.empty(
          path: file.path, expected: "labelled reply with the split \(split)")
      }
    }
    let check = JudgeCheck(set: set, maxConnections: maxConnections)
    var results: [JudgeCheck.Result] = []
    for judge in try await judging.source(hiding: judging.secrets).open(
      connections: maxConnections, note: { console.note($0) })
    {
      console.step("asking \(judge.name)")
      results.append(
        try await check.run(judge) { done, total in
          console.show(.count(what: "replies judged", done: done, total: total))
        })
    }
    if disagreements {
      Screen.shared.print(DisagreementList.render(RunOpinions(check.opinions(results)), as: format))
    } else {
      show(results)
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

  private func show(_ results: [JudgeCheck.Result]) {
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
  }
}

extension DisagreementList.Format: ExpressibleByArgument {}
