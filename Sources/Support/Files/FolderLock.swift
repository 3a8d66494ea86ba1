import Foundation

/// Keeps other processes from writing a folder. The lock stands on the folder itself, whatever it is
/// renamed to, and ends with the process, however that ends.
package final class FolderLock: Sendable {
  package enum Failure: Error {
    /// Another holds it.
    case inUse
    /// `open` or `flock` failed with this `errno`.
    case system(code: Int32)
  }

  private let descriptor: Int32

  /// - Parameter isShared: whether others may hold it so too.
  package init(_ path: String, isShared: Bool = false) throws(Failure) {
    let opened = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { throw .system(code: errno) }
    guard flock(opened, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
      close(opened)
      throw .inUse
    }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// Whether some process holds a folder's lock now.
  package static func isHeld(_ path: String) -> Bool {
    let opened = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { return false }
    defer { close(opened) }
    return flock(opened, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }
}
