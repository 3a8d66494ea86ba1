import Foundation
import Support
import Synchronization

/// Which tensors of an unfinished checkpoint stand in it: a line of the key, then a line for each
/// tensor once all its bytes were handed to the system, with what is kept of its rounding behind a tab.
final class WriteJournal: Sendable {
  /// Tensors that a killed process had written.
  let done: Set<String>
  /// What rounding left of the changes of these.
  let rounding: [RoundingTally.Sums]
  private let path: String
  private let handle: Mutex<FileHandle>

  static let fileName = ".loxeval-unfinished"

  /// - Throws: `fileSystem` where the folder was begun with another key, or cannot be written.
  init(in partial: PartialOutput, key: String) throws(CheckpointError) {
    path = partial.url.appending(path: Self.fileName).path
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    // A line that a kill cut short has no end, and does not count.
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    if let first = lines.popFirst() {
      guard first == key else {
        throw .fileSystem(.unfinishedDiffers(path: partial.url.path))
      }
    }
    var (done, rounding): (Set<String>, [RoundingTally.Sums]) = ([], [])
    for line in lines {
      // A name may have tabs.
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      let sums = parts.count > 1 ? RoundingTally.Sums(text: parts[parts.count - 1]) : nil
      let name = sums == nil ? line : parts.dropLast().joined(separator: "\t")[...]
      if done.insert(String(name)).inserted, let sums { rounding.append(sums) }
    }
    (self.done, self.rounding) = (done, rounding)
    do {
      let whole = ([key] + lines.map(String.init)).map { "\($0)\n" }.joined()
      try Data(whole.utf8).write(to: URL(filePath: path))
      let handle = try FileHandle(forWritingTo: URL(filePath: path))
      try handle.seekToEnd()
      self.handle = Mutex(handle)
    } catch {
      throw Self.failure(error, path)
    }
  }

  func append(_ name: String, rounding: RoundingTally.Sums? = nil) throws(CheckpointError) {
    let line = name + (rounding.map { "\t\($0.text)" } ?? "")
    let error = handle.withLock { handle -> (any Error)? in
      do { try handle.write(contentsOf: Data("\(line)\n".utf8)) } catch { return error }
      return nil
    }
    if let error { throw Self.failure(error, path) }
  }

  private static func failure(_ error: any Error, _ path: String) -> CheckpointError {
    .fileSystem(.system(operation: "write", path: path, code: error.systemCode ?? errno))
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
