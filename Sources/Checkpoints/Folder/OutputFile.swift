import Foundation

/// A new file open for writing; closed when this goes away.
struct OutputFile: ~Copyable {
  private let descriptor: Int32
  let path: String

  /// - Throws: `fileSystem` where the file exists or cannot be created.
  init(creating path: String) throws(CheckpointError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .system("create", path) }
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens a file that is there, to write on.
  ///
  /// - Throws: `fileSystem` where it cannot be opened.
  init(continuing path: String) throws(CheckpointError) {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path) }
    self.descriptor = descriptor
    self.path = path
  }

  deinit {
    close(descriptor)
  }

  /// The first bytes; fewer where the file is shorter.
  func prefix(_ count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = max(0, unsafe pread(descriptor, buffer.baseAddress, count, 0))
    }
  }

  /// Asks the system to begin writing a range to the disk, so that the end need not wait for it all;
  /// only ever a matter of speed.
  func startWriting(at offset: Int, count: Int) {
    #if os(Linux)
      // Linux starts to write dirty pages that are said not to be needed again.
      posix_fadvise(descriptor, offset, count, POSIX_FADV_DONTNEED)
    #endif
  }

  /// Writes all of `bytes` at a position from the file's first byte.
  func write(_ bytes: RawSpan, at offset: Int) throws(CheckpointError) {
    try unsafe bytes.withUnsafeBytes { buffer throws(CheckpointError) in
      guard let base = buffer.baseAddress else { return }
      var done = 0
      while done < buffer.count {
        let count = unsafe pwrite(descriptor, base + done, buffer.count - done, offset + done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw .system("write", path) }
        done += count
      }
    }
  }

  /// Returns once the bytes are on the disk, so that a later rename cannot overtake them.
  func synchronize() throws(CheckpointError) {
    guard fsync(descriptor) == 0 else { throw .system("flush", path) }
  }

  /// Writes a small file whole, in place of one that is there.
  static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
    unsafe unlink(path)
    let file = try OutputFile(creating: path)
    try unsafe file.write(bytes.span.bytes, at: 0)
    try file.synchronize()
  }
}
