import Analysis
import ArgumentParser
import Attacks
import Foundation
import ModelAccess
import Reporting
import Runs
import Studies
import Support

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Puts runs side by side, paired with the first where prompts agree.",
    discussion: """
      Prints Markdown. The exit code is 0 whatever the runs say; loxeval gate decides by limits.
      """)

  @Argument(
    help: ArgumentHelp("Folders of two runs or more; the first is compared with.", valueName: "run")
  )
  var folders: [String]

  @Option(help: ArgumentHelp("Write the page as HTML to this file.", valueName: "file"))
  var html: String?

  func validate() throws {
    guard folders.count > 1 else {
      throw ValidationError("expected two runs or more, found \(folders.count)")
    }
  }

  func run() throws {
    let labels = StudyLabels.unique(folders.map { URL(filePath: $0).labels })
    let runs = try zip(folders, labels).map { path, label in
      RunComparison.Run(name: label, try StoredRun(URL(filePath: path)))
    }
    let page = ComparisonPage(RunComparison(runs))
    if let html { try AtomicFile.write(Data(page.html().utf8), to: URL(filePath: html)) }
    Screen.shared.print(page.markdown())
  }
}
