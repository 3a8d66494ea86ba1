package import Foundation
package import StudyDesign
import Support

/// `samples.jsonl`: what was measured, one line a sample, only ever appended to. Of a shard it is
/// `samples-I.jsonl`.
///
/// Each line is one write to the kernel, so a killed process loses nothing that was journalled; a
/// line cut short by a power failure is dropped when the run is continued.
package final class Journal {
  private var collected: SampleOutcomes
  private let file: AppendedFile
  private let path: String
  /// Bytes that stand in the file.
  private var size: Int

  static let fileName = "samples.jsonl"

  static func fileName(ofShard shard: Int?) -> String {
    shard.map { "samples-\($0).jsonl" } ?? fileName
  }

  /// Opens or creates the journal of a run folder for appending; the caller holds the lock.
  ///
  /// - Parameters:
  ///   - shard: whose journal; nil for that of a run that one process makes.
  ///   - cells: those that it may hold; nil for all.
  package init(
    folder: URL, plan: RunManifest.Plan, shard: Int? = nil, of cells: Set<CellID>? = nil
  ) throws(RunError) {
    let url = folder.appending(path: Self.fileName(ofShard: shard))
    path = url.path
    do throws(FileError) {
      file = try AppendedFile(url)
    } catch {
      throw RunError(error)
    }
    let lines = JournalLines(plan)
    let source = JournalFiles([url], lines)
    collected = SampleOutcomes(of: plan, in: folder, source: source)
    size = try lines.read(url, number: 0, of: cells, into: &collected)
    try collected.settle(check: lines.objecting([url], source))
    do throws(FileError) {
      try file.cut(to: size)
    } catch {
      throw RunError(error)
    }
  }

  /// The samples so far, in the order of the plan; of one that was asked or judged again, the later line.
  package func outcomes() throws(RunError) -> SampleOutcomes {
    try collected.settle()
    return collected
  }

  package var isEmpty: Bool { collected.isEmpty }

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

  /// When a sample was last added to a run, as its journals' files say; nil where they do not.
  package static func lastWritten(_ division: Division?, in folder: URL) -> Date? {
    let files = (try? files(of: division, in: folder)) ?? []
    return files.compactMap {
      try? $0.url.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate
    }.max()
  }

  /// What the samples came to of a run that nobody need be writing, of all its journals; a torn last line is
  /// passed over.
  ///
  /// - Parameter division: of a run that shards make.
  package static func read(
    folder: URL, plan: RunManifest.Plan, division: Division? = nil
  ) throws(RunError) -> SampleOutcomes {
    let files = try files(of: division, in: folder)
    guard files.count <= SamplePosition.largestFile else {
      throw .unreadable(
        path: folder.path,
        reason: "expected at most \(SamplePosition.largestFile) journals, found \(files.count)")
    }
    let lines = JournalLines(plan)
    let urls = files.map(\.url)
    let source = JournalFiles(urls, lines)
    var collected = SampleOutcomes(of: plan, in: folder, source: source)
    for (number, (shard, file)) in files.enumerated() {
      let cells = shard.flatMap { shard in
        division.map { division in
          Set(division.places(of: shard).map { plan.cells[$0].id })
        }
      }
      _ = try lines.read(file, number: number, of: cells, into: &collected)
    }
    try collected.settle(check: lines.objecting(urls, source))
    return collected
  }

  /// Adds a sample; returns once the kernel has it.
  package func append(_ sample: Sample) throws(RunError) {
    let line: Data
    do {
      line = try sample.line()
    } catch {
      throw .unwritable(path: path, reason: "\(error)")
    }
    do throws(FileError) {
      try file.append(line)
    } catch {
      throw RunError(error)
    }
    try collected.append(sample, at: SamplePosition(file: 0, offset: size))
    size += line.count + 1
  }
}

/// Writes a journal anew, line by line.
struct JournalWriter: ~Copyable {
  private var file: FileWriter

  init(_ url: URL) throws(FileError) { file = try FileWriter(url) }

  mutating func append(_ sample: Sample) throws {
    _ = try append(line: try sample.line())
  }

  /// Adds a sample as it stands in another journal.
  ///
  /// - Returns: where its line begins.
  mutating func append(line: Data) throws(FileError) -> Int {
    let offset = file.count
    try file.write(line + [UInt8(ascii: "\n")])
    return offset
  }

  consuming func close() throws(FileError) { try file.close() }
}
