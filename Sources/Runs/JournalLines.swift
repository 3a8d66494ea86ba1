package import Foundation
import StudyDesign
package import Support

/// Reads the lines of a run's journals, of any size, one after the other.
package struct JournalLines: Sendable {
  private let judges: [CellID: String]
  private let judge: String

  package init(_ plan: RunManifest.Plan) {
    judges = plan.primaryJudges()
    judge = plan.judge
  }

  /// A line as a sample; nil where it is none.
  func sample(_ line: Data) -> Sample? {
    guard let json = try? JSONNode(parsing: [UInt8](line)), let read = try? Sample(json) else {
      return nil
    }
    return read.naming(judge: judges[read.cell] ?? judge)
  }

  /// Lines as samples, on any thread.
  func decoding() -> @Sendable (Data) -> Sample? { { sample($0) } }

  /// Hands over each sample with its line's place, repetitions as they stand.
  ///
  /// - Returns: the bytes up to the last line's end.
  package func read(
    _ file: URL, _ body: (_ place: StreamedLines.Place, Sample) throws(RunError) -> Void
  ) throws(RunError) -> Int {
    do {
      return try StreamedLines.read(file, decoding: decoding()) { place, sample in
        guard let sample else {
          throw RunError.malformedJournal(
            path: file.path, line: place.number, reason: "it does not parse as a sample")
        }
        try body(place, sample)
      }
    } catch let error as RunError {
      throw error
    } catch let fault as InputFile.Fault {
      throw .unreadable(path: file.path, reason: fault.reason)
    } catch {
      throw .unreadable(path: file.path, reason: error.plainReason)
    }
  }

  /// Adds a journal's samples.
  ///
  /// - Parameters:
  ///   - number: the journal's among those of the run.
  ///   - cells: those that it may hold; nil for all.
  /// - Returns: the bytes up to the last line's end.
  func read(
    _ file: URL, number: Int, of cells: Set<CellID>?, into outcomes: inout SampleOutcomes
  ) throws(RunError) -> Int {
    try read(file) { place, sample throws(RunError) in
      if let cells, !cells.contains(sample.cell) {
        throw .foreignSample(
          path: file.path, sample: "\(sample.id) of \(sample.cell)",
          reason: "a cell that another shard does")
      }
      try outcomes.append(sample, at: SamplePosition(file: number, offset: place.offset))
    }
  }

  /// Refuses a later line of a sample that may not replace the earlier.
  func objecting(
    _ files: [URL], _ source: JournalFiles
  ) -> (SampleOutcome, SampleOutcome) throws(RunError) -> Void {
    { earlier, later throws(RunError) in
      // A request that failed was made again; nothing of it need be read.
      if earlier.failure != nil, earlier.prompt == later.prompt { return }
      let first = try source.sample(at: earlier.record.position)
      let second = try source.sample(at: later.record.position)
      guard let reason = first.objection(to: second) else { return }
      let place = later.record.position
      throw .malformedJournal(
        path: files[place.file].path, line: Self.number(of: place, in: files[place.file]),
        reason: "\(later.id) of \(later.cell) was journalled before\(reason)")
    }
  }

  private static func number(of position: SamplePosition, in file: URL) -> Int {
    var number = 0
    _ = try? StreamedLines.read(file) { place, _ in
      if place.offset <= position.offset { number = place.number }
    }
    return number
  }
}
