package import Foundation
import ModelAccess
import Scoring
package import StudyDesign
import Support

/// What all samples of a run came to: the run as conclusions need it, ten million samples in some 400 MB.
///
/// In the order of the plan's cells, in each of its prompts' ids as people count, in it of their numbers: what
/// is told of them does not depend on which reply arrived first. Of a sample that was asked or judged again
/// it is the later line.
package struct SampleOutcomes: Sendable {
  /// What cells ask: those of one setting ask the same of each prompt's id.
  private struct Setting: Hashable {
    let dataset: String
    let promptAttack: PromptAttack
  }

  private let plan: RunManifest.Plan
  private let folder: URL
  private var source: any SampleSource
  /// The plan's cells, each once, and where each stands here.
  private let cells: [Cell]
  private let places: [CellID: Int]
  private let settings: [Int]

  private var naming = OutcomeNaming()
  private var names = OutcomeNames()
  private var records: [[OutcomeRecord]]
  private var numbers: [[Double]]
  /// Cells whose samples came since they were put into order.
  private var unsettled: Set<Int> = []

  /// None yet.
  ///
  /// - Parameters:
  ///   - folder: of the run, for messages.
  ///   - source: where the samples that are added can be read again.
  package init(of plan: RunManifest.Plan, in folder: URL, source: any SampleSource) {
    self.plan = plan
    self.folder = folder
    self.source = source
    cells = plan.distinctCells
    places = Dictionary(
      cells.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    var known: [Setting: Int] = [:]
    settings = cells.map { cell in
      let setting = Setting(dataset: cell.dataset, promptAttack: cell.promptAttack)
      let place = known[setting] ?? known.count
      known[setting] = place
      return place
    }
    records = Array(repeating: [], count: cells.count)
    numbers = Array(repeating: [], count: cells.count)
  }

  /// Of a run that is planned: nothing of it was asked.
  package static func none(of plan: RunManifest.Plan) -> SampleOutcomes {
    SampleOutcomes(
      of: plan, in: URL(filePath: "/"), source: JournalFiles([], JournalLines(plan)))
  }

  // MARK: - Reading

  package var count: Int { records.reduce(0) { $0 + $1.count } }
  /// Cells that have some.
  package var cellCount: Int { records.count { !$0.isEmpty } }
  package var isEmpty: Bool { records.allSatisfy(\.isEmpty) }

  /// Those of a cell; none where the plan does not have it.
  package subscript(cell: CellID) -> CellOutcomes {
    places[cell].map(outcomes)
      ?? CellOutcomes(cell: cell, records: [], numbers: [], names: names)
  }

  private func outcomes(at place: Int) -> CellOutcomes {
    CellOutcomes(
      cell: cells[place].id, records: records[place], numbers: numbers[place], names: names)
  }

  /// Cell by cell, in the plan's order.
  package var byCell: some Sequence<CellOutcomes> { cells.indices.lazy.map(outcomes) }

  /// All of them.
  package var all: some Sequence<SampleOutcome> { byCell.joined() }

  /// The prompts that were asked, each once, in the order in which they were met.
  package var prompts: [AskedPrompt] { names.prompts }

  /// A cell's sample; nil where it has none of that key.
  package subscript(key: Sample.Key) -> SampleOutcome? {
    self[key.cell].first { $0.sample == key.sample && $0.id == key.id }
  }

  /// The whole sample, read again.
  package func sample(_ outcome: SampleOutcome) throws(RunError) -> Sample {
    let position = outcome.record.position
    let sample = try source.sample(at: position)
    guard sample.key == outcome.key else {
      throw .unreadable(
        path: folder.path,
        reason: "the sample \(outcome.id) of \(outcome.cell) was changed meanwhile")
    }
    return sample
  }

  /// The sample's line of its journal, as it stands there.
  func line(_ outcome: SampleOutcome) throws(RunError) -> Data {
    try source.line(at: outcome.record.position)
  }

  // MARK: - Adding

  /// Adds a sample, or a later line of one.
  ///
  /// - Throws: `RunError.foreignSample` where the plan does not have it: what was edited must not pass for
  ///   what was measured.
  package mutating func append(
    _ sample: Sample, at position: SamplePosition
  ) throws(RunError) {
    func foreign(_ reason: String) -> RunError {
      .foreignSample(path: folder.path, sample: "\(sample.id) of \(sample.cell)", reason: reason)
    }
    guard let place = places[sample.cell] else { throw foreign("a cell that is not planned") }
    guard (0..<plan.samples).contains(sample.sample) else {
      throw foreign("number \(sample.sample) of \(plan.samples)")
    }
    guard sample.failure == nil || sample.verdict == .unscored else {
      throw foreign("a failed request with a verdict")
    }
    let cell = cells[place]
    let prompt: UInt32
    do throws(OutcomeNaming.Objection) {
      prompt = try naming.prompt(
        of: sample, cell, setting: settings[place],
        planned: plan.datasets[cell.dataset]?.prompts ?? 0)
    } catch {
      throw foreign(error.reason)
    }
    let panel = naming.panel(of: sample)
    records[place].append(
      OutcomeRecord(
        prompt: prompt, number: UInt32(sample.sample), panel: panel.place,
        numbers: UInt32(numbers[place].count),
        mark: plan.samples == 1 ? ReplyMark([sample]) : .none, position: position))
    numbers[place] += panel.numbers
    unsettled.insert(place)
  }

  /// Puts what was added into order; of several lines of one sample the last is left.
  ///
  /// - Parameter check: told of two lines of a sample, the earlier first.
  package mutating func settle(
    check: (SampleOutcome, SampleOutcome) throws(RunError) -> Void = { _, _ in }
  ) throws(RunError) {
    guard !unsettled.isEmpty else { return }
    names = naming.names
    naming.rank()
    for place in unsettled {
      try settle(place, check)
      if plan.samples > 1 { try mark(place) }
    }
    unsettled = []
  }

  private mutating func settle(
    _ place: Int, _ check: (SampleOutcome, SampleOutcome) throws(RunError) -> Void
  ) throws(RunError) {
    func order(_ record: OutcomeRecord) -> (Int, UInt32) {
      (naming.ranks[Int(record.prompt)], record.number)
    }
    let own = records[place]
    let isInOrder = own.indices.dropFirst().allSatisfy { order(own[$0 - 1]) < order(own[$0]) }
    guard !isInOrder else { return }
    // Lines of one sample stay in the order in which they were added.
    let sorted = own.indices.sorted {
      let (a, b) = (order(own[$0]), order(own[$1]))
      return a == b ? $0 < $1 : a < b
    }
    let whole = outcomes(at: place)
    var kept: [OutcomeRecord] = []
    kept.reserveCapacity(own.count)
    for (index, next) in zip(sorted.indices, sorted) {
      if index > 0, case let before = sorted[index - 1], order(own[before]) == order(own[next]) {
        try check(whole[before], whole[next])
        kept[kept.count - 1] = own[next]
      } else {
        kept.append(own[next])
      }
    }
    records[place] = kept
  }

  /// Marks what was replied to each prompt of a cell all of whose samples are there.
  private mutating func mark(_ place: Int) throws(RunError) {
    let own = outcomes(at: place)
    var start = 0
    while start < own.count {
      var end = start + 1
      while end < own.count, own.records[end].prompt == own.records[start].prompt { end += 1 }
      let replies = own[start..<end]
      if replies.count == plan.samples, replies.allSatisfy({ $0.failure == nil }) {
        if own.records[start].mark.isNone {
          var whole: [Sample] = []
          for reply in replies { whole.append(try sample(reply)) }
          records[place][start].mark = ReplyMark(whole)
        }
      } else {
        records[place][start].mark = .none
      }
      start = end
    }
  }

  // MARK: - Moving

  /// Writes all samples into one journal, in their order, and has them read again from there.
  ///
  /// - Parameter file: where the journal will stand.
  mutating func write(to writer: inout JournalWriter, as file: URL) throws {
    for place in cells.indices {
      let own = outcomes(at: place)
      for index in own.indices {
        let offset = try writer.append(line: try line(own[index]))
        records[place][index].position = SamplePosition(file: 0, offset: offset)
      }
    }
    source = JournalFiles([file], JournalLines(plan))
  }
}
