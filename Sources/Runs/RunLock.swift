package import Foundation
import Support

/// Keeps a second process out of a run's folder, from before its attacks are trained to its end.
package final class RunLock: Sendable {
  private let lock: FolderLock
  private let path: String
  private let isNew: Bool

  /// Makes the folder where there is none.
  ///
  /// - Throws: `RunError.runInUse`, `.unwritable`.
  package init(_ folder: URL) throws(RunError) {
    let files = FileManager.default
    path = folder.path
    isNew = !files.fileExists(atPath: path)
    do {
      try files.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: path, reason: (error as NSError).localizedDescription)
    }
    do throws(FolderLock.Failure) {
      lock = try FolderLock(path)
    } catch {
      switch error {
      case .inUse: throw .runInUse(path: path)
      case .system(let code):
        throw .unwritable(path: path, reason: unsafe String(cString: strerror(code)))
      }
    }
  }

  deinit {
    // A run that did not begin leaves no empty folder; one with files in it stays.
    if isNew { _ = unsafe rmdir(path) }
  }
}
