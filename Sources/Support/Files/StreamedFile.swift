package import Foundation

/// A file of any size that is written piece by piece beside its place, and gets its name when it is whole: nobody
/// sees half of it.
package final class StreamedFile {
  private let url: URL
  private let draft: URL
  private let descriptor: Int32
  private var pending = Data()
  private var isWhole = false

  private static let pieceSize = 1 << 20

  /// - Throws: `FileError.unwritable` where it cannot be written.
  package init(_ url: URL) throws(FileError) {
    self.url = url
    let folder = url.deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: folder.path, reason: (error as NSError).localizedDescription)
    }
    draft = folder.appending(path: ".\(url.lastPathComponent).\(UUID().uuidString)")
    descriptor = unsafe open(draft.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .unwritable(path: url.path, reason: unsafe String(cString: strerror(errno)))
    }
  }

  deinit {
    close(descriptor)
    if !isWhole { _ = unsafe unlink(draft.path) }
  }

  package func append(_ text: String) throws(FileError) {
    pending.append(contentsOf: text.utf8)
    if pending.count >= Self.pieceSize { try flush() }
  }

  /// Gives the file its name, in place of what was there.
  package func finish() throws(FileError) {
    try flush()
    guard unsafe rename(draft.path, url.path) == 0 else { throw failure(errno) }
    isWhole = true
  }

  private func flush() throws(FileError) {
    var rest = pending[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(errno) }
      rest = rest.dropFirst(count)
    }
    pending.removeAll(keepingCapacity: true)
  }

  private func failure(_ code: Int32) -> FileError {
    .unwritable(path: url.path, reason: unsafe String(cString: strerror(code)))
  }
}
