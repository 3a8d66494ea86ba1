package import Foundation

/// Keeps other processes from a file that is replaced whole while it is locked: the lock stands on a file
/// beside it, `NAME.lock`, which goes when it ends. If the process is killed the name stays and locks
/// nothing.
package final class FileLock: Sendable {
  private let descriptor: Int32
  private let path: String

  /// - Throws: ``FolderLock/Failure``.
  package init(of file: URL) throws(FolderLock.Failure) {
    path = file.path + ".lock"
    while true {
      let opened = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard opened >= 0 else { throw .system(code: errno) }
      guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
        close(opened)
        throw .inUse
      }
      // Whoever held it may have removed the name between the two calls.
      var (mine, named) = (stat(), stat())
      let isNamed = unsafe fstat(opened, &mine) == 0 && stat(path, &named) == 0
      if isNamed, mine.st_ino == named.st_ino, mine.st_dev == named.st_dev {
        descriptor = opened
        return
      }
      close(opened)
    }
  }

  deinit {
    _ = unsafe unlink(path)
    close(descriptor)
  }
}
