import Analysis
import Foundation
import ModelAccess
import Runs
import Scoring
import StudyDesign
import Support

/// Every sample of a run, as data that the page's script filters; a few in plain rows where no script
/// runs.
struct SampleBrowser {
  static let title = "Samples"
  let page: ReportPage
  let room: PageRoom

  init(page: ReportPage) {
    self.page = page
    room = PageRoom(samples: page.run.outcomes.count, cells: page.run.outcomes.cellCount)
  }

  /// What the script reads.
  struct Content: Encodable {
    struct Cell: Encodable {
      /// As in samples.jsonl: links to samples name it.
      var id: String
      var dataset: String
      var attack: String
      var rank: String
      var alpha: String
      var kind: String
      var label: String
    }

    var cells: [Cell]
    var judges: [String]
    var verdicts: [String]
    /// id, category, prompt.
    var prompts: [[String]]
    var samples: [Entry]
  }

  /// One sample: cell, prompt, verdicts by judge, reply, remark.
  struct Entry: Encodable {
    var cell: Int
    var prompt: Int
    var verdicts: [Int]
    var reply: String
    var remark: String

    func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      try list.encode(cell)
      try list.encode(prompt)
      try list.encode(verdicts)
      try list.encode(reply)
      try list.encode(remark)
    }
  }

  func render() throws -> String {
    guard !page.run.outcomes.isEmpty else { return "" }
    let wording = page.findings.defences
    let fields = [
      ("dataset", "Dataset"), ("attack", "Attack"), ("rank", wording.arm.capitalized),
      ("alpha", wording.strength),
      ("judge", "Judge"), ("verdict", "Verdict"),
    ].map { name, label in
      let every = name == "judge" ? "the set's first" : "any"
      return "<label>\(label)<select name=\"\(name)\"><option value=\"\">\(every)</option>"
        + "</select></label>"
    }
    return """
      <h2 id="\(HTMLText.anchor(Self.title))">\(Self.title)</h2>
      <p class="note">Prompts, and what the models said: their words, not the project's.\
      \(page.isRedacted ? " Cut to their opening." : "")\(HTMLText.escape(room.remark))</p>
      <noscript>
      <p class="note">Without scripts the page shows the first replies of each model; all of them are \
      in samples.jsonl.</p>
      \(HTMLRenderer.render([.table(try plain())], samples: ""))
      </noscript>
      <section id="samples-browser" aria-label="Samples" hidden>
      <form class="samples-form" id="samples-form" role="search" aria-label="Filter samples">
      \(fields.joined(separator: "\n"))
      <label class="search">Text<input name="text" type="search" \
      placeholder="in prompts, ids and replies" autocomplete="off"></label>
      </form>
      <p class="note" id="samples-count" role="status" aria-live="polite"></p>
      <div id="samples-list"></div>
      <nav class="pager" aria-label="Pages of samples">
      <button type="button" id="samples-previous">Previous</button>
      <button type="button" id="samples-next">Next</button>
      </nav>
      </section>
      <script type="application/json" id="samples-data">\(try HTMLText.embedded(try content()))</script>
      """
  }

  private func plain() throws(RunError) -> ReportTable {
    let cells = Dictionary(
      page.manifest.plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var rows: [Sample] = []
    for outcome in page.run.outcomes.byCell.lazy.flatMap({ $0.prefix(2) }).prefix(200) {
      rows.append(try page.run.sample(outcome))
    }
    return ReportTable(
      caption: "The first replies of each model",
      columns: [.text("model"), .text("verdict"), .text("prompt"), .text("reply")],
      rows: rows.map { sample in
        [
          ReportTable.Cell(cells[sample.cell].map(Self.label) ?? sample.cell.rawValue),
          ReportTable.Cell(sample.verdict.rawValue), ReportTable.Cell(sample.prompt),
          ReportTable.Cell(page.shown(sample, limit: 200)),
        ]
      })
  }

  private static func label(_ cell: Cell) -> String {
    let arm = cell.treatment.isNone ? nil : cell.treatment.arm.place
    let isSwept = !cell.targets.isEmpty
    return [
      cell.dataset, ReportPage.name(cell.attackLabel), arm,
      isSwept ? cell.treatment.strengthText : nil,
    ].compactMap(\.self).joined(separator: ", ")
  }

  /// All judges of the run; the first is that of harmful prompts.
  private var judges: [String] {
    let plan = page.manifest.plan
    return Findings.distinct(
      [plan.judge] + page.datasets.flatMap { plan.readers(of: $0) })
  }

  /// By judge, as places in `Verdict.allCases`; −1 for judges that the set does not have.
  private func verdicts(of sample: Sample, by judges: [String], _ own: [String]) -> [Int] {
    judges.map { judge in
      guard own.contains(judge) else { return -1 }
      let verdict = sample.judgement(by: judge).verdict
      return Verdict.allCases.firstIndex(of: verdict) ?? -1
    }
  }

  private func remark(on sample: Sample) -> String {
    let several = page.manifest.plan.samples > 1 ? "sample \(sample.sample + 1)" : ""
    return [several, (sample.failure ?? sample.judgement.failure)?.description ?? ""].filter {
      !$0.isEmpty
    }
    .joined(separator: "; ")
  }

  func content() throws(RunError) -> Content {
    var content = Content(
      cells: [], judges: judges, verdicts: Verdict.allCases.map(\.rawValue),
      prompts: [], samples: [])
    var cells: [CellID: Int] = [:]
    for cell in page.manifest.plan.cells where cells[cell.id] == nil {
      cells[cell.id] = content.cells.count
      content.cells.append(
        Content.Cell(
          id: cell.id.rawValue, dataset: cell.dataset, attack: ReportPage.name(cell.attackLabel),
          rank: cell.treatment.isNone ? "–" : cell.treatment.arm.title,
          alpha: Number.text(cell.treatment.strength),
          kind: page.findings.isHarmful(cell.dataset) ? "harmful" : "benign",
          label: Self.label(cell)))
    }
    let readers = Dictionary(
      page.datasets.map { ($0, page.manifest.plan.readers(of: $0)) },
      uniquingKeysWith: { first, _ in first })
    var prompts: [[String]: Int] = [:]
    for outcome in page.run.outcomes.byCell.lazy.flatMap({ $0.prefix(room.samplesOfCell) })
      .prefix(PageRoom.mostSamples)
    {
      let sample = try page.run.sample(outcome)
      guard let cell = cells[sample.cell] else { continue }
      let prompt = [sample.id, sample.category, room.cut(sample.prompt)].map(PrintableText.lines)
      let place = prompts[prompt] ?? content.prompts.count
      if place == content.prompts.count {
        prompts[prompt] = place
        content.prompts.append(prompt)
      }
      content.samples.append(
        Entry(
          cell: cell, prompt: place,
          verdicts: verdicts(
            of: sample, by: content.judges, readers[content.cells[cell].dataset] ?? []),
          reply: PrintableText.lines(room.cut(page.shown(sample, limit: .max))),
          remark: PrintableText.lines(remark(on: sample))))
    }
    return content
  }
}
