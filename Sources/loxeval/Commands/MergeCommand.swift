import ArgumentParser
import Foundation
import Runs
import Support

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Makes one run of a run's shards, or of parts that stand in different folders.",
    discussion: """
      Checks that all are parts of one study (plans, updates, servers), that no sample has two replies, and, \
      without --output, that none is missing. Without --output the run's own folder becomes one run, with one \
      journal, as if a single process had made it; with it the parts stay as they are. The reports are \
      written; where processors differed they say so.

      report, gate, compare and label read a run of shards as it is; rejudge merges it first.
      """)

  @Argument(
    help: ArgumentHelp("The run's folder, or those of its parts with --output.", valueName: "run"))
  var folders: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A new folder for the run, which may lack samples: sweep --resume asks them.",
      valueName: "dir"))
  var output: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard folders.count == 1 || output != nil else {
      throw ValidationError(
        "--output: expected a folder for the run of \(folders.count) folders, found none")
    }
  }

  func run() throws {
    let console = common.start()
    let places = folders.map { URL(filePath: $0) }
    let run =
      try output.map { try RunMerge.into(URL(filePath: $0), places) }
      ?? RunMerge.inPlace(places[0])
    try run.finish(console)
  }
}
