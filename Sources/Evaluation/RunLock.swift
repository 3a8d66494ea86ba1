public import Foundation

/// Keeps a second process out of a run's folder, from before its attacks are trained to its end.
///
/// The lock stands on the folder itself and ends with the process, however that ends.
public final class RunLock: Sendable {
  private let descriptor: Int32
  private let path: String
  private let isNew: Bool

  /// Makes the folder where there is none.
  ///
  /// - Throws: `EvaluationError.runInUse`, `.unwritable`.
  public init(_ folder: URL) throws(EvaluationError) {
    let files = FileManager.default
    path = folder.path
    isNew = !files.fileExists(atPath: path)
    do {
      try files.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: path, reason: (error as NSError).localizedDescription)
    }
    let opened = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else {
      throw .unwritable(path: path, reason: unsafe String(cString: strerror(errno)))
    }
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      close(opened)
      throw .runInUse(path: path)
    }
    descriptor = opened
  }

  deinit {
    // A run that did not begin leaves no empty folder; one with files in it stays.
    if isNew { _ = unsafe rmdir(path) }
    close(descriptor)
  }
}
