package import Foundation
import Support

/// `samples.jsonl`: what was measured, one line a sample, only ever appended to.
///
/// Each line is one write to the kernel, so a killed process loses nothing that was journalled; a
/// line cut short by a power failure is dropped when the run is continued.
package final class Journal {
  /// The samples so far; of one that was asked or judged again, the later line.
  package private(set) var samples: [Sample]
  /// Where each sample stands in `samples`.
  private var places: [Sample.Key: Int]
  private let file: AppendedFile
  private let path: String
  private let encoder = StableJSON.encoder()

  static let fileName = "samples.jsonl"

  /// Opens or creates the journal of a run folder for appending; the caller holds the folder's lock.
  package init(folder: URL, plan: RunManifest.Plan) throws(RunError) {
    let url = folder.appending(path: Self.fileName)
    path = url.path
    do throws(FileError) {
      file = try AppendedFile(url)
    } catch {
      throw RunError(error)
    }
    let (samples, places, wholeBytes) = try Self.parse(url, plan)
    do throws(FileError) {
      try file.cut(to: wholeBytes)
    } catch {
      throw RunError(error)
    }
    self.samples = samples
    self.places = places
  }

  /// All of a journal with such samples.
  static func lines(of samples: [Sample]) throws -> Data {
    let encoder = StableJSON.encoder()
    return try samples.reduce(into: Data()) {
      $0.append(try encoder.encode($1))
      $0.append(UInt8(ascii: "\n"))
    }
  }

  /// The samples of a run that nobody need be writing; a torn last line is passed over.
  package static func read(
    folder: URL, plan: RunManifest.Plan
  ) throws(RunError) -> [Sample] {
    let file = PendingFiles.place(of: fileName, in: folder)
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw .runMissing(path: folder.path)
    }
    return try parse(file, plan).samples
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
    if let place = places[sample.key] {
      samples[place] = sample
    } else {
      places[sample.key] = samples.count
      samples.append(sample)
    }
  }

  private static func parse(
    _ file: URL, _ plan: RunManifest.Plan
  ) throws(RunError) -> (samples: [Sample], places: [Sample.Key: Int], wholeBytes: Int) {
    let input: InputFile
    do {
      input = try InputFile(file, .records)
    } catch {
      throw .unreadable(path: file.path, reason: error.plainReason)
    }
    let whole = input.data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    var samples: [Sample] = []
    var places: [Sample.Key: Int] = [:]
    let decoder = JSONDecoder()
    let judges = plan.primaryJudges()
    // An editor may have put a byte order mark before them.
    let body = input.body
    let lines = body[..<max(whole, body.startIndex)].split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.contains(where: { $0 > 0x20 }) {
      let sample: Sample
      do {
        let read = try decoder.decode(Sample.self, from: line)
        sample = read.naming(judge: judges[read.cell] ?? plan.judge)
      } catch {
        throw .malformedJournal(
          path: file.path, line: index + 1, reason: "it does not parse as a sample")
      }
      if let place = places[sample.key] {
        if let reason = samples[place].objection(to: sample) {
          throw .malformedJournal(
            path: file.path, line: index + 1,
            reason: "\(sample.id) of \(sample.cell) was journalled before\(reason)")
        }
        samples[place] = sample
      } else {
        places[sample.key] = samples.count
        samples.append(sample)
      }
    }
    return (samples, places, whole)
  }
}
