import ArgumentParser
import Foundation
import Reporting
import Support

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "Lists the runs below a folder: what, when, how far, and what came out.",
    discussion: """
      From their files alone. States and counts are those of loxeval status; the verdict is that of the run's \
      reports, and stands there where they are of the samples that are there. A run that cannot be read is named with \
      the reason.
      """)

  @Argument(help: ArgumentHelp("Where to look; by default here.", valueName: "dir"))
  var folder = "."

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  @Option(help: "How it is told: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = Format.text

  func run() throws {
    let runs = try RunList.below(URL(filePath: folder))
    switch format {
    case .text:
      guard !runs.isEmpty else {
        Screen.shared.say("no run below \(folder); a sweep's is in its --output, or in reports/")
        return
      }
      Screen.shared.print(RunTable.render(runs))
    case .json:
      Screen.shared.print(
        String(decoding: try StableJSON.encodePretty(runs).dropLast(), as: UTF8.self))
    }
  }
}
