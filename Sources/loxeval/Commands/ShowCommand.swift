import ArgumentParser
import Foundation
import Reporting
import Runs
import Support

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a run's samples: prompts, replies, verdicts.",
    discussion: """
      In the order in which they were asked, those that failed last; on a terminal through PAGER (less, where it is \
      not set). Long texts are folded. Characters that could drive a terminal or change the order of reading are \
      shown as escapes, such as \\u001b. The run may be going on.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @OptionGroup(title: "Which samples") var filter: SampleFilterOptions

  @Option(in: PromptLimit.range, help: "Show at most so many.")
  var limit: Int?

  @Option(in: NumberRange(0...1_000_000_000), help: "Pass over the first so many.")
  var skip = 0

  @Flag(help: "Show long texts whole.")
  var full = false

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, jsonl
  }

  @Option(
    help:
      "text, or jsonl: a line for each sample, with the fields of samples.jsonl and of its cell in run.json."
  )
  var format = Format.text

  func run() throws {
    let stream = try SampleStream(URL(filePath: folder))
    let selection = filter.selection
    let cells = try selection.cells(of: stream.manifest.plan)
    let text = SampleText(isWhole: full, judge: selection.judge)
    let pages = Pages(isPaged: format == .text)
    var (found, shown) = (0, 0)
    try stream.read(of: Set(cells.keys).contains) { sample in
      guard let cell = cells[sample.cell], selection.holds(sample) else { return true }
      found += 1
      guard found > skip else { return true }
      shown += 1
      let part =
        switch format {
        case .text: text.render(sample, of: cell, number: found)
        case .jsonl:
          try SampleRecord(sample, of: cell).json().serialized + "\n"
        }
      return pages.show(part) && limit.map { shown < $0 } ?? true
    }
    pages.close()
    if found == 0 {
      Screen.shared.say("no sample of the run is so")
    } else if shown == 0 {
      Screen.shared.say("--skip \(skip) passes over all \(found) samples")
    } else if let limit, shown == limit {
      Screen.shared.say(
        "\(shown) \(shown == 1 ? "sample" : "samples") shown; --skip \(skip + shown) goes on")
    }
  }
}
