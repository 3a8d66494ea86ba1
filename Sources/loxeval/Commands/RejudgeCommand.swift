import ArgumentParser
import Foundation
import Scoring
import Studies
import Support

struct RejudgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rejudge",
    abstract: "Judges a run's stored replies by further judges, without asking the models again.",
    discussion: """
      The judges come to those that the run has; one that it has already judges anew where it is \
      configured otherwise than then, or failed. Whose verdict counts stays as it is unless --primary says \
      otherwise. The reports are written anew.

      run.json and samples.jsonl as they were are kept in before-rejudge-N, which is a run's folder by \
      itself. The run changes at the end, all at once; where judging was broken off, the same command \
      goes on.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @OptionGroup(title: "Judges") var judging: JudgeOptions

  @Option(
    help: ArgumentHelp(
      "The judge whose verdict counts from now on, of --judge or of the run; sets that it does not "
        + "judge keep theirs.", valueName: "judge"))
  var primary: String?

  @Option(in: Studies.Measurement.Ranges.connections, help: "Replies judged at a time.")
  var maxConnections = Studies.Measurement.Standard.connections

  @Option(
    help: ArgumentHelp(
      "Stop after more failures of judges than this: a number, or a share of the questions.",
      valueName: "number|n%"))
  var maxErrors = "5%"

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard judging.judge != nil || primary != nil else {
      throw ValidationError("expected --judge with the judges that are to judge, or --primary")
    }
    guard ErrorLimit(parsing: maxErrors) != nil else {
      throw ValidationError(
        "--max-errors: expected a number such as 20 or 5%, found \(maxErrors)")
    }
  }

  func run() async throws {
    let console = common.start()
    let secrets = try judging.secrets
    let judges =
      judging.judge == nil
      ? []
      : try await judging.source(hiding: secrets).open(connections: maxConnections) {
        console.note($0)
      }
    let rejudge = Rejudge(
      folder: URL(filePath: folder), judges: judges, primary: primary,
      maxConnections: maxConnections, maxErrors: ErrorLimit(parsing: maxErrors) ?? .share(0.05),
      command: RecordedCommand.text(hiding: secrets), version: Loxeval.version)
    try await rejudge.run { console.show($0) }.finish(console)
  }
}
