package import Foundation

/// How small files are written: whole or not at all.
package enum AtomicFile {
  /// Replaces or creates a file: it is written beside and renamed, so nobody sees half of it.
  package static func write(_ data: Data, to url: URL) throws(FileError) {
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: url, options: .atomic)
    } catch {
      throw .unwritable(path: url.path, reason: reason(for: error, data, url))
    }
  }

  /// Why Foundation could not write a file. Where the system took but a part, Foundation does not ask it why;
  /// a second draft meets the same.
  private static func reason(for error: any Error, _ data: Data, _ url: URL) -> String {
    guard (error as? CocoaError)?.code == .fileWriteUnknown, error.systemCode == nil else {
      return error.writingReason
    }
    let draft = draft(of: url)
    defer { _ = unsafe unlink(draft.path) }
    do throws(FileError) {
      var writer = try FileWriter(draft)
      try writer.write(data)
      try writer.close()
    } catch {
      if case .unwritable(_, let reason) = error { return reason }
    }
    return error.writingReason
  }

  private static func draft(of url: URL) -> URL {
    url.deletingLastPathComponent().appending(
      path: ".\(url.lastPathComponent).\(UUID().uuidString)")
  }

  /// The same of a file that is written piece by piece.
  package static func write(
    to url: URL, _ body: (inout FileWriter) throws -> Void
  ) throws {
    let draft = draft(of: url)
    defer { _ = unsafe unlink(draft.path) }
    var writer = try FileWriter(draft)
    try body(&writer)
    try writer.close()
    guard unsafe rename(draft.path, url.path) == 0 else {
      throw FileError.unwritable(path: url.path, reason: unsafe String(cString: strerror(errno)))
    }
  }

  /// Creates a file that many processes may want to create, on whichever machine: one of them does, and
  /// nobody sees half of it.
  ///
  /// - Returns: whether this call created it; false where it is there already.
  package static func create(_ data: Data, at url: URL) throws(FileError) -> Bool {
    let draft = draft(of: url)
    try write(data, to: draft)
    defer { _ = unsafe unlink(draft.path) }
    // A name can be given once, whatever the file system's cache holds.
    if unsafe link(draft.path, url.path) == 0 { return true }
    guard errno == EEXIST else {
      throw .unwritable(path: url.path, reason: unsafe String(cString: strerror(errno)))
    }
    return false
  }
}
