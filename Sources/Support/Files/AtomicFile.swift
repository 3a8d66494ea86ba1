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
      throw .unwritable(path: url.path, reason: (error as NSError).localizedDescription)
    }
  }

  /// The same of a file that is written piece by piece.
  package static func write(
    to url: URL, _ body: (inout FileWriter) throws -> Void
  ) throws {
    let draft = url.deletingLastPathComponent().appending(
      path: ".\(url.lastPathComponent).\(UUID().uuidString)")
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
    let draft = url.deletingLastPathComponent().appending(
      path: ".\(url.lastPathComponent).\(UUID().uuidString)")
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
