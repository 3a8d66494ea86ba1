import Analysis
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
        + ", separated by commas; by default all.", valueName: "list"),
    transform: { try Self.formats($0) })
  var format = ReportFormat.allCases

  @Flag(
    help: "Cut replies to their opening in pages for readers, so that they can be shown to anyone.")
  var redact = false

  @Option(
    help: ArgumentHelp(
      "Correct rates for the judges' mistakes by labels of this run's own replies, as label writes "
        + "them. Labels of other replies are refused: judges err otherwise on them.",
      valueName: "file"))
  var correct: String?

  @OptionGroup(title: "Reading") var reading: ReadingOptions

  private static func formats(_ text: String) throws -> [ReportFormat] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let format = ReportFormat(rawValue: String(name)) else {
        throw ValidationError(
          "expected some of " + ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")
            + ", found \(name)")
      }
      return format
    }
  }

  func run() throws {
    let folder = URL(filePath: self.folder)
    var run = try StoredRun(folder)
    run.manifest.limits = reading.limits
    let labels = try correct.map {
      try LabelFile(URL(filePath: $0), of: run).labels
    }
    let written = try RunReports.write(
      format, of: run, isRedacted: redact, labels: labels ?? [], check: Self.tellCorrections)
    for file in written { Screen.shared.print(file.relativePath) }
  }

  /// Says which rates are not corrected, and why.
  ///
  /// - Throws: where none is.
  private static func tellCorrections(_ summary: Summary) throws {
    guard let corrections = summary.corrections else { return }
    let refused = corrections.compactMap { found in
      found.refusal.map { "\(found.judge) on \(found.dataset), \(found.group): \($0)" }
    }
    guard corrections.contains(where: { $0.refusal == nil }) else {
      throw LabelError.nothingCorrected(refused)
    }
    for reason in refused { Console.warning("not corrected: \(reason)") }
  }
}
