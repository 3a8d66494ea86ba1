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
}
