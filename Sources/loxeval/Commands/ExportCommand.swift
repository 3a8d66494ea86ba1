import ArgumentParser
import Foundation
package import Reporting
import Support

extension ExportFormat: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a run's samples as files of other tools.",
    discussion: """
      inspect: an evaluation log for each model and set, for inspect view and its Python reader. lm-eval: results and \
      samples of each model, for lm-evaluation-harness's tables. tidy: samples.csv, a row for each sample with α, \
      defence, attack, seed and verdicts in columns of their own.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Option(
    help: "As what: \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ExportFormat

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where to: a folder, of tidy a file; what has the same names there is replaced. By default inspect/, lm-eval/ or "
        + "samples.csv in the run's folder.", valueName: "place"))
  var output: String?

  @Flag(
    help:
      "With tidy: columns for prompts and replies too, as they are; made for programs, not for spreadsheets."
  )
  var texts = false

  func validate() throws {
    guard !texts || format == .tidy else {
      throw ValidationError("--texts: expected --format tidy with it; the others have all texts")
    }
  }

  func run() throws {
    let folder = URL(filePath: self.folder)
    let place = output.map { URL(filePath: $0) } ?? folder.appending(path: format.standardName)
    try RunExport.write(folder, as: format, to: place, hasTexts: texts) {
      try Interruption.shared.check()
    }
    Screen.shared.print(place.relativePath)
  }
}
