import Foundation
import Support
import Synchronization

/// Which tensors of an unfinished checkpoint stand in it: a line of the key, then a line for each
/// tensor once all its bytes were handed to the system.
final class WriteJournal: Sendable {
  /// Tensors that a killed process had written.
  let done: Set<String>
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
    done = Set(lines.map(String.init))
    do {
      let whole = ([key] + done.sorted()).map { "\($0)\n" }.joined()
      try Data(whole.utf8).write(to: URL(filePath: path))
      let handle = try FileHandle(forWritingTo: URL(filePath: path))
      try handle.seekToEnd()
      self.handle = Mutex(handle)
    } catch {
      throw Self.failure(error, path)
    }
  }

  func append(_ name: String) throws(CheckpointError) {
    let error = handle.withLock { handle -> (any Error)? in
      do { try handle.write(contentsOf: Data("\(name)\n".utf8)) } catch { return error }
      return nil
    }
    if let error { throw Self.failure(error, path) }
  }

  private static func failure(_ error: any Error, _ path: String) -> CheckpointError {
    .fileSystem(.system(operation: "write", path: path, code: error.systemCode ?? errno))
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
