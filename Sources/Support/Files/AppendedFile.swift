package import Foundation

/// A file that lines are added to, each with one write to the kernel: a process that is killed loses none
/// that was added. A line without its end, which only a failing machine leaves, is cut off by the owner.
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
    let written = unsafe line.withUnsafeBytes { line in
      unsafe Self.end.withUnsafeBytes { end in
        // One system call for both, without a copy of the line.
        let parts = unsafe [line, end].map { part in
          unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress), iov_len: part.count)
        }
        return unsafe writev(descriptor, parts, Int32(parts.count))
      }
    }
    guard written == line.count + Self.end.count else {
      throw .unwritable(path: path, reason: Self.systemReason())
    }
  }

  private static let end = Array("\n".utf8)

  private static func systemReason() -> String { unsafe String(cString: strerror(errno)) }
}
