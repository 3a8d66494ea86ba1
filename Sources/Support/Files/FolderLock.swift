import Foundation

/// Keeps other processes from writing a folder. The lock stands on the folder itself, whatever it is
/// renamed to, and ends with the process, however that ends.
package final class FolderLock: Sendable {
  package enum Failure: Error {
    /// Another holds it.
    case inUse
    /// `open` failed with this `errno`.
    case system(code: Int32)
  }

  private let descriptor: Int32

  package init(_ path: String) throws(Failure) {
    let opened = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { throw .system(code: errno) }
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      close(opened)
      throw .inUse
    }
    descriptor = opened
  }

  deinit { close(descriptor) }
}
