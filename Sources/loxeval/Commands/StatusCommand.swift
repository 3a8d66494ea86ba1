import ArgumentParser
import Foundation
import Runs
import Support

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Says how far a run is, from its files alone.",
    discussion: """
      A line for each shard: waiting (nobody has begun it), preparing (decomposing, training, starting \
      servers), asking, stopped (begun, and nobody works on it) or finished; samples done and planned, failed \
      requests, samples a minute of its last session, the time left at that rate, and who works on it. A run of \
      one process is there once it asks.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  @Option(help: "How it is told: \(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format = Format.text

  func run() throws {
    let progress = try RunProgress(of: URL(filePath: folder))
    switch format {
    case .text: Screen.shared.print(ProgressTable.render(progress))
    case .json:
      Screen.shared.print(
        String(decoding: try StableJSON.encodePretty(progress).dropLast(), as: UTF8.self))
    }
  }
}
