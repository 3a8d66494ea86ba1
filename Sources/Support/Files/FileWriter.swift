package import Foundation

/// Writes a file from its beginning to its end, piece by piece: no more of it is held than a piece.
package struct FileWriter: ~Copyable {
  private let path: String
  private let descriptor: Int32
  private var pending: [UInt8] = []
  /// Bytes written so far.
  package private(set) var count: Int

  private static let pieceSize = 1 << 20

  /// Creates the file, or empties one that is there.
  package init(_ url: URL) throws(FileError) {
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: url.path, reason: error.writingReason)
    }
    let opened = unsafe open(url.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard opened >= 0 else { throw .unwritable(path: url.path, reason: Self.systemReason()) }
    path = url.path
    descriptor = opened
    count = 0
  }

  deinit { _ = Foundation.close(descriptor) }

  package mutating func write(_ data: some DataProtocol) throws(FileError) {
    count += data.count
    pending.append(contentsOf: data)
    if pending.count >= Self.pieceSize { try flush() }
  }

  package mutating func write(_ text: String) throws(FileError) {
    let before = pending.count
    pending += text.utf8
    count += pending.count - before
    if pending.count >= Self.pieceSize { try flush() }
  }

  private mutating func flush() throws(FileError) {
    var done = 0
    while done < pending.count {
      let written = unsafe pending.withUnsafeBytes { [descriptor] bytes in
        unsafe Foundation.write(
          descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      }
      if written < 0 && errno == EINTR { continue }
      guard written >= 0 else { throw .unwritable(path: path, reason: Self.systemReason()) }
      done += written
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// Returns once the kernel has all of it.
  package consuming func close() throws(FileError) { try flush() }

  private static func systemReason() -> String { unsafe String(cString: strerror(errno)) }
}
