package import Foundation

/// A file that lines are added to, each with one write to the kernel where that takes it whole: a process
/// that is killed loses none that was added. A line without its end, which only a failing machine leaves, is cut off by the owner.
package final class AppendedFile {
  private let path: String
  private let descriptor: Int32

  /// Opens or creates the file.
  package init(_ file: URL) throws(FileError) {
    path = file.path
    // A pipe of that name is not waited for; it is refused where the file is read.
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o644)
    guard descriptor >= 0 else { throw .unwritable(path: path, reason: Self.systemReason()) }
  }

  deinit { close(descriptor) }

  /// Cuts off what stands behind the first so many bytes.
  package func cut(to bytes: Int) throws(FileError) {
    guard ftruncate(descriptor, off_t(bytes)) == 0 else {
      throw .unwritable(path: path, reason: Self.systemReason())
    }
  }

  /// Adds a line; returns once the kernel has it.
  ///
  /// - Parameter line: without its end.
  package func append(_ line: Data) throws(FileError) {
    var written = 0
    while written < line.count + Self.end.count {
      let done = unsafe line.withUnsafeBytes { line in
        unsafe Self.end.withUnsafeBytes { end in
          // One system call for both, without a copy of the line. Where room ran out the system took less, and
          // says why when it gets the rest.
          let parts = unsafe [
            Self.rest(of: line, from: written), Self.rest(of: end, from: written - line.count),
          ]
          return unsafe writev(descriptor, parts, Int32(parts.count))
        }
      }
      if done < 0 && errno == EINTR { continue }
      guard done >= 0 else { throw .unwritable(path: path, reason: Self.systemReason()) }
      written += done
    }
  }

  private static func rest(of bytes: UnsafeRawBufferPointer, from place: Int) -> iovec {
    let done = min(max(0, place), bytes.count)
    return unsafe iovec(
      iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress.map { unsafe $0 + done }),
      iov_len: bytes.count - done)
  }

  private static let end = Array("\n".utf8)

  private static func systemReason() -> String { unsafe String(cString: strerror(errno)) }
}
