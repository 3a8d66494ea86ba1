import ArgumentParser
import Foundation
import Reporting
import Runs

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Writes a run's reports anew from its journal.")

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp(
      "Which reports: " + ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")
        + ", separated by commas.", valueName: "list"))
  var format = ReportFormat.allCases.map(\.rawValue).joined(separator: ",")

  @Flag(
    help: "Cut replies to their opening in pages for readers, so that they can be shown to anyone.")
  var redact = false

  @OptionGroup(title: "Reading") var reading: ReadingOptions

  private var formats: [ReportFormat] {
    get throws {
      try format.split(separator: ",", omittingEmptySubsequences: false).map { name in
        guard let format = ReportFormat(rawValue: String(name)) else {
          throw ValidationError(
            "--format: expected some of "
              + ReportFormat.allCases.map(\.rawValue).joined(separator: ", ") + ", found \(name)")
        }
        return format
      }
    }
  }

  func validate() throws { _ = try formats }

  func run() throws {
    let folder = URL(filePath: self.folder)
    var manifest = try RunManifest.read(from: folder)
    try manifest.accept(reading.judgeQuality)
    manifest.limits = reading.limits
    let samples = try Journal.read(folder: folder, plan: manifest.plan)
    try manifest.check(samples, in: folder)
    let written = try RunReports.write(
      formats, manifest: manifest, samples: samples, to: folder, isRedacted: redact)
    for file in written { print(file.relativePath) }
  }
}
