import Foundation
import Support

/// Files of a run that take the places of others, all of them at once.
///
/// They are written into a folder of their own. From its renaming to ``folderName`` on they count: whoever
/// reads the run reads them there, until a writer has moved them to their places. A process that is
/// killed at any moment leaves the old files or the new ones, never some of both.
enum PendingFiles {
  static let folderName = "pending"
  private static let unfinishedName = "pending.partial"

  /// Where a file of the run stands now.
  static func place(of name: String, in folder: URL) -> URL {
    let pending = folder.appending(path: folderName).appending(path: name)
    return FileManager.default.fileExists(atPath: pending.path)
      ? pending : folder.appending(path: name)
  }

  /// Replaces files; the caller holds the folder's lock and has settled it.
  ///
  /// - Parameter files: by name, what writes each.
  static func replace(_ files: [String: (URL) throws -> Void], in folder: URL) throws {
    let unfinished = folder.appending(path: unfinishedName)
    try? FileManager.default.removeItem(at: unfinished)
    for (name, write) in files { try write(unfinished.appending(path: name)) }
    try move(unfinished, to: folder.appending(path: folderName))
    try settle(folder)
  }

  /// Takes away what was not written to its end; the caller holds the folder's lock.
  static func discard(_ folder: URL) {
    try? FileManager.default.removeItem(at: folder.appending(path: unfinishedName))
  }

  /// Moves what is pending to its place; the caller holds the folder's lock.
  static func settle(_ folder: URL) throws(RunError) {
    let pending = folder.appending(path: folderName)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: pending.path)) ?? []
    for name in names {
      try move(pending.appending(path: name), to: folder.appending(path: name))
    }
    _ = unsafe rmdir(pending.path)
  }

  private static func move(_ old: URL, to new: URL) throws(RunError) {
    guard unsafe rename(old.path, new.path) == 0 else {
      throw .unwritable(path: new.path, reason: unsafe String(cString: strerror(errno)))
    }
  }
}
