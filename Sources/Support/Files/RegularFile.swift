package import Foundation

/// An open regular file; closed when this goes away.
///
/// The one way in which files are opened for reading. Others than regular files are refused at once: a
/// named pipe would wait for a writer, and a device may never end.
package struct RegularFile: ~Copyable {
  /// Why a file cannot be read.
  package struct Fault: Error, Equatable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
      case missing
      /// `errno` of a system call that failed.
      case system(code: Int32)
      /// What stands there instead, such as `a folder`.
      case notRegular(found: String)
      case tooLarge
      /// Its bytes are not those of a text.
      case notText
    }

    package let kind: Kind
    /// In words, without the file's name.
    package let reason: String

    package var description: String { reason }
    package var isMissing: Bool { kind == .missing }
  }

  package let path: String
  package let descriptor: Int32
  /// As it was when it was opened.
  package let state: FileState

  package init(_ path: String) throws(Fault) {
    // Without waiting: a pipe is opened as well, and then refused.
    let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard opened >= 0 else { throw Self.fault(of: path, code: errno) }
    var status = stat()
    guard unsafe fstat(opened, &status) == 0 else {
      let code = errno
      close(opened)
      throw .system(code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      throw Self.notRegular(status.st_mode)
    }
    self.path = path
    descriptor = opened
    state = FileState(status)
  }

  deinit { close(descriptor) }

  /// All of its bytes.
  ///
  /// - Parameter limit: the most that are read; a larger file is refused unread.
  package func read(atMost limit: Int) throws(Fault) -> Data {
    func tooLarge(_ count: Int) -> Fault {
      Fault(
        kind: .tooLarge,
        reason: "it has \(count) bytes or more, and at most \(limit) are read of a file of its kind"
      )
    }
    guard state.size <= limit else { throw tooLarge(state.size) }
    // One more, to see the end.
    var bytes = Data(count: state.size + 1)
    var count = 0
    while true {
      let done = unsafe bytes.withUnsafeMutableBytes { [descriptor] buffer in
        unsafe Foundation.read(
          descriptor, buffer.baseAddress.map { unsafe $0 + count }, buffer.count - count)
      }
      if done < 0 && errno == EINTR { continue }
      guard done >= 0 else { throw .system(errno) }
      guard done > 0 else { break }
      count += done
      guard count <= limit else { throw tooLarge(count) }
      // It grew since it was opened, or has no size, as files of /proc.
      if count == bytes.count { bytes.append(Data(count: max(4_096, count))) }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Some of its bytes; fewer than asked for where it ends before them.
  package func read(from offset: Int, count: Int) throws(Fault) -> Data {
    var bytes = Data(count: count)
    var read = 0
    while read < count {
      let done = unsafe bytes.withUnsafeMutableBytes { [descriptor] buffer in
        unsafe pread(
          descriptor, buffer.baseAddress.map { unsafe $0 + read }, count - read,
          off_t(offset + read))
      }
      if done < 0 && errno == EINTR { continue }
      guard done >= 0 else { throw .system(errno) }
      guard done > 0 else { break }
      read += done
    }
    return bytes.prefix(read)
  }

  private static func fault(of path: String, code: Int32) -> Fault {
    switch code {
    case ENOENT, ENOTDIR: return Fault(kind: .missing, reason: "there is no such file")
    case ENXIO:
      // Sockets cannot be opened.
      var status = stat()
      return unsafe stat(path, &status) == 0 ? notRegular(status.st_mode) : .system(code)
    default: return .system(code)
    }
  }

  private static func notRegular(_ mode: mode_t) -> Fault {
    let found =
      switch mode & S_IFMT {
      case S_IFDIR: "a folder"
      case S_IFIFO: "a pipe"
      case S_IFSOCK: "a socket"
      default: "a device"
      }
    return Fault(
      kind: .notRegular(found: found),
      reason: "expected a file, found \(found)"
        + (found == "a folder" ? "" : "; write what it gives to a file first"))
  }
}

extension RegularFile.Fault {
  fileprivate static func system(_ code: Int32) -> Self {
    Self(kind: .system(code: code), reason: unsafe String(cString: strerror(code)))
  }
}

/// What tells that a file is still the one that was opened: its place on the disk, its size and when it
/// was last written.
package struct FileState: Hashable, Sendable {
  package let device: UInt64
  package let inode: UInt64
  package let size: Int
  package let seconds: Int
  package let nanoseconds: Int

  init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
    size = Int(status.st_size)
    #if os(Linux)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    #else
      seconds = status.st_mtimespec.tv_sec
      nanoseconds = status.st_mtimespec.tv_nsec
    #endif
  }

  /// Of an open file; nil where the descriptor is of none.
  package init?(of descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// Of the file that a path leads to now; nil where there is none.
  package init?(of path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    self.init(status)
  }
}

/// By what one version of a file's content is told from the next: its place, size, and when it was written and changed.
///
/// Programs can set the time of writing back, but not the time of change: another content has another version, unless
/// it came within the system's clock tick. The same content under another name, or copied, may have another one too.
package struct FileVersion: Hashable, Sendable, CustomStringConvertible {
  private let inode: UInt64
  private let size: Int
  private let written: Time
  private let changed: Time

  private struct Time: Hashable {
    let seconds: Int
    let nanoseconds: Int

    init(_ time: timespec) { (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec) }
  }

  /// Of the file that a path leads to now; nil where there is none.
  package init?(of path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    inode = UInt64(truncatingIfNeeded: status.st_ino)
    size = Int(status.st_size)
    #if os(Linux)
      (written, changed) = (Time(status.st_mtim), Time(status.st_ctim))
    #else
      (written, changed) = (Time(status.st_mtimespec), Time(status.st_ctimespec))
    #endif
  }

  /// In seconds since 1970.
  package var changedAt: Double { Double(changed.seconds) + Double(changed.nanoseconds) / 1e9 }

  package var description: String {
    "\(inode) \(size) \(written.seconds).\(written.nanoseconds) \(changed.seconds).\(changed.nanoseconds)"
  }
}
