package import Foundation

/// Keeps other processes from a file that one of them writes at a time: the lock stands on a file
/// beside it, `NAME.lock`, which goes when it ends. If the process is killed the name stays and locks
/// nothing.
///
/// The kernel holds and releases it (`flock`); file systems that machines share pass it on, or say that they
/// do not.
package final class FileLock: Sendable {
  private let descriptor: Int32
  private let path: String

  /// - Parameters:
  ///   - holder: who takes it, for people, kept in the lock's file.
  ///   - attempts: how often it is tried, a twentieth of a second apart: whoever looks whether it is held
  ///     holds it for a moment.
  /// - Throws: ``FolderLock/Failure``.
  package init(
    of file: URL, holder: String = "", attempts: Int = 1
  ) throws(FolderLock.Failure) {
    path = Self.path(of: file)
    var attempt = 1
    while true {
      let opened = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard opened >= 0 else { throw .system(code: errno) }
      guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
        let code = errno
        close(opened)
        guard code == EWOULDBLOCK else { throw .system(code: code) }
        guard attempt < attempts else { throw .inUse }
        attempt += 1
        usleep(50_000)
        continue
      }
      // Whoever held it may have removed the name between the two calls.
      var (mine, named) = (stat(), stat())
      let isNamed = unsafe fstat(opened, &mine) == 0 && stat(path, &named) == 0
      if isNamed, mine.st_ino == named.st_ino, mine.st_dev == named.st_dev {
        descriptor = opened
        break
      }
      close(opened)
    }
    if !holder.isEmpty {
      let text = Array("\(holder)\n".utf8)
      _ = ftruncate(descriptor, 0)
      _ = unsafe text.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }
  }

  deinit {
    _ = unsafe unlink(path)
    close(descriptor)
  }

  private static func path(of file: URL) -> String { file.path + ".lock" }

  /// Whether some process holds the lock of a file now.
  package static func isHeld(of file: URL) -> Bool {
    let opened = unsafe open(path(of: file), O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { return false }
    defer { close(opened) }
    return flock(opened, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  /// Who took the lock of a file last; empty where nobody said so.
  package static func holder(of file: URL) -> String {
    let text = (try? String(contentsOfFile: path(of: file), encoding: .utf8)) ?? ""
    return PrintableText.line(text.split(separator: "\n").first.map(String.init) ?? "")
  }
}
