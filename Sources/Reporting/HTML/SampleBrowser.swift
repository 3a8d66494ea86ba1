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
      <script type="application/json" id="samples-data">\(HTMLText.embedded(try content()))</script>
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

  /// What the script reads, keys in the order of `StableJSON`: cells; judges; verdicts' names; prompts as lists of id,
  /// category and text; samples as lists of cell, prompt, verdicts by judge, reply and remark.
  func content() throws(RunError) -> JSONNode {
    let judges = judges
    var cells: [CellID: (place: Int, readers: [String])] = [:]
    var cellNodes: [JSONNode] = []
    let readers = Dictionary(
      page.datasets.map { ($0, page.manifest.plan.readers(of: $0)) },
      uniquingKeysWith: { first, _ in first })
    for cell in page.manifest.plan.cells where cells[cell.id] == nil {
      cells[cell.id] = (cellNodes.count, readers[cell.dataset] ?? [])
      cellNodes.append(
        .object(of: [
          ("alpha", .string(Number.text(cell.treatment.strength))),
          ("attack", .string(ReportPage.name(cell.attackLabel))),
          ("dataset", .string(cell.dataset)),
          // As in samples.jsonl: links to samples name it.
          ("id", .string(cell.id.rawValue)),
          ("kind", .string(page.findings.isHarmful(cell.dataset) ? "harmful" : "benign")),
          ("label", .string(Self.label(cell))),
          ("rank", .string(cell.treatment.isNone ? "–" : cell.treatment.arm.title)),
        ]))
    }
    var prompts: [[String]: Int] = [:]
    var promptNodes: [JSONNode] = []
    var samples: [JSONNode] = []
    for outcome in page.run.outcomes.byCell.lazy.flatMap({ $0.prefix(room.samplesOfCell) })
      .prefix(PageRoom.mostSamples)
    {
      let sample = try page.run.sample(outcome)
      guard let cell = cells[sample.cell] else { continue }
      let prompt = [sample.id, sample.category, room.cut(sample.prompt)].map(PrintableText.lines)
      let place = prompts[prompt] ?? promptNodes.count
      if place == promptNodes.count {
        prompts[prompt] = place
        promptNodes.append(.array(prompt.map { .string($0) }))
      }
      samples.append(
        .array([
          .integer(cell.place), .integer(place),
          .array(verdicts(of: sample, by: judges, cell.readers).map { .integer($0) }),
          .string(PrintableText.lines(room.cut(page.shown(sample, limit: .max)))),
          .string(PrintableText.lines(remark(on: sample))),
        ]))
    }
    return .object(of: [
      ("cells", .array(cellNodes)), ("judges", .array(judges.map { .string($0) })),
      ("prompts", .array(promptNodes)), ("samples", .array(samples)),
      ("verdicts", .array(Verdict.allCases.map { .string($0.rawValue) })),
    ])
  }
}
