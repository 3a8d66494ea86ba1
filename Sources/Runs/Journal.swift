package import Foundation
package import StudyDesign
import Support

/// `samples.jsonl`: what was measured, one line a sample, only ever appended to. Of a shard it is
/// `samples-I.jsonl`.
///
/// Each line is one write to the kernel, so a killed process loses nothing that was journalled; a
/// line cut short by a power failure is dropped when the run is continued.
package final class Journal {
  /// The samples so far; of one that was asked or judged again, the later line.
  package var samples: [Sample] { collected.samples }
  private var collected: CollectedSamples
  private let file: AppendedFile
  private let path: String
  private let encoder = StableJSON.encoder()

  static let fileName = "samples.jsonl"

  static func fileName(ofShard shard: Int?) -> String {
    shard.map { "samples-\($0).jsonl" } ?? fileName
  }

  /// Opens or creates the journal of a run folder for appending; the caller holds the lock.
  ///
  /// - Parameter shard: whose journal; nil for that of a run that one process makes.
  package init(folder: URL, plan: RunManifest.Plan, shard: Int? = nil) throws(RunError) {
    let url = folder.appending(path: Self.fileName(ofShard: shard))
    path = url.path
    do throws(FileError) {
      file = try AppendedFile(url)
    } catch {
      throw RunError(error)
    }
    collected = CollectedSamples()
    let wholeBytes = try collected.read(url, JournalLines(plan))
    do throws(FileError) {
      try file.cut(to: wholeBytes)
    } catch {
      throw RunError(error)
    }
  }

  /// All of a journal with such samples.
  static func lines(of samples: [Sample]) throws -> Data {
    let encoder = StableJSON.encoder()
    return try samples.reduce(into: Data()) {
      $0.append(try encoder.encode($1))
      $0.append(UInt8(ascii: "\n"))
    }
  }

  /// The journals of a run, in order: one, or those of the shards that have begun.
  package static func files(of division: Division?, in folder: URL) throws(RunError) -> [(
    shard: Int?, url: URL
  )] {
    let files = FileManager.default
    guard let division else {
      let file = PendingFiles.place(of: fileName, in: folder)
      guard files.fileExists(atPath: file.path) else { throw .runMissing(path: folder.path) }
      return [(nil, file)]
    }
    return (1...division.shards).compactMap { shard in
      let file = folder.appending(path: fileName(ofShard: shard))
      return files.fileExists(atPath: file.path) ? (shard, file) : nil
    }
  }

  /// The samples of a run that nobody need be writing, of all its journals, in their order; a torn last line
  /// is passed over.
  ///
  /// - Parameter division: of a run that shards make.
  package static func read(
    folder: URL, plan: RunManifest.Plan, division: Division? = nil
  ) throws(RunError) -> [Sample] {
    var collected = CollectedSamples()
    let lines = JournalLines(plan)
    for (shard, file) in try files(of: division, in: folder) {
      let cells = shard.flatMap { shard in
        division.map { division in
          Set(division.places(of: shard).map { plan.cells[$0].id })
        }
      }
      try collected.read(file, lines, of: cells)
    }
    return collected.samples
  }

  /// Adds a sample; returns once the kernel has it.
  package func append(_ sample: Sample) throws(RunError) {
    let line: Data
    do {
      line = try encoder.encode(sample)
    } catch {
      throw .unwritable(path: path, reason: error.plainReason)
    }
    do throws(FileError) {
      try file.append(line)
    } catch {
      throw RunError(error)
    }
    collected.set(sample)
  }
}

/// Reads the lines of a run's journals, of any size, one after the other.
package struct JournalLines {
  private let judges: [CellID: String]
  private let judge: String
  private let decoder = JSONDecoder()

  package init(_ plan: RunManifest.Plan) {
    judges = plan.primaryJudges()
    judge = plan.judge
  }

  /// The sample of one line.
  func sample(_ bytes: Data, line: Int, of file: URL) throws(RunError) -> Sample {
    do {
      let sample = try decoder.decode(Sample.self, from: bytes)
      return sample.naming(judge: judges[sample.cell] ?? judge)
    } catch {
      throw .malformedJournal(
        path: file.path, line: line, reason: "it does not parse as a sample")
    }
  }

  /// Hands over each sample with its line's number, repetitions as they stand.
  ///
  /// - Returns: the bytes up to the last line's end.
  package func read(
    _ file: URL, _ body: (_ line: Int, Sample) throws(RunError) -> Void
  ) throws(RunError) -> Int {
    var texts = SharedTexts()
    do {
      return try StreamedLines.read(file) { number, bytes in
        let sample = texts.sharing(try self.sample(bytes, line: number, of: file))
        try body(number, sample)
      }
    } catch let error as RunError {
      throw error
    } catch let fault as InputFile.Fault {
      throw .unreadable(path: file.path, reason: fault.reason)
    } catch {
      throw .unreadable(path: file.path, reason: error.plainReason)
    }
  }
}

/// Texts that many samples have, each kept once: a study's samples name few cells and ask few prompts.
private struct SharedTexts {
  private var known: Set<String> = []

  private mutating func shared(_ text: String) -> String {
    // Up to fifteen bytes take no room of their own.
    text.utf8.count < 16 ? text : known.insert(text).memberAfterInsert
  }

  mutating func sharing(_ sample: Sample) -> Sample {
    var sample = sample
    sample.cell = CellID(rawValue: shared(sample.cell.rawValue))
    sample.id = shared(sample.id)
    sample.category = shared(sample.category)
    sample.prompt = shared(sample.prompt)
    sample.reference = sample.reference.map { shared($0) }
    return sample
  }
}

/// Samples with the place of each, of one that was asked or judged again the later.
struct CollectedSamples {
  private(set) var samples: [Sample] = []
  private var places: [Sample.Key: Int] = [:]

  mutating func set(_ sample: Sample) {
    if let place = places[sample.key] {
      samples[place] = sample
    } else {
      places[sample.key] = samples.count
      samples.append(sample)
    }
  }

  func sample(like other: Sample) -> Sample? { places[other.key].map { samples[$0] } }

  /// Adds a journal's.
  ///
  /// - Parameter cells: those that it may hold; nil for all.
  /// - Returns: the bytes up to the last line's end.
  @discardableResult
  mutating func read(
    _ file: URL, _ lines: JournalLines, of cells: Set<CellID>? = nil
  ) throws(RunError) -> Int {
    try lines.read(file) { line, sample throws(RunError) in
      if let cells, !cells.contains(sample.cell) {
        throw .foreignSample(
          path: file.path, sample: "\(sample.id) of \(sample.cell)",
          reason: "a cell that another shard does")
      }
      if let reason = self.sample(like: sample)?.objection(to: sample) {
        throw .malformedJournal(
          path: file.path, line: line,
          reason: "\(sample.id) of \(sample.cell) was journalled before\(reason)")
      }
      set(sample)
    }
  }
}
