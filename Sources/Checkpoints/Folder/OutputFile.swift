import CMapping
import Foundation
import Synchronization

/// A new file open for writing; closed when this goes away.
///
/// Through the system's cache threads write one after the other: together they would wait for each other in the system,
/// which keeps their processors busy.
struct OutputFile: ~Copyable {
  private let descriptor: Int32
  /// For writes past the system's cache, which cost next to no processor time; negative where there are none.
  private let uncached: Int32
  private let turn = Mutex(())
  /// Whether the system refused a write past its cache, as some do only when it comes.
  private let isRefused = Mutex(false)
  let path: String

  /// - Parameter size: of a file that is to go past the system's cache, where it can: all of its bytes.
  /// - Throws: `fileSystem` where the file exists or cannot be created.
  init(creating path: String, uncachedSize size: Int? = nil) throws(CheckpointError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .system("create", path) }
    self.descriptor = descriptor
    self.path = path
    uncached = size.map { unsafe loxeval_open_uncached_for_writing(path, Int64($0)) } ?? -1
  }

  /// Opens a file that is there, to write on.
  ///
  /// - Throws: `fileSystem` where it cannot be opened.
  init(continuing path: String, uncachedSize size: Int? = nil) throws(CheckpointError) {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path) }
    self.descriptor = descriptor
    self.path = path
    uncached = size.map { unsafe loxeval_open_uncached_for_writing(path, Int64($0)) } ?? -1
  }

  deinit {
    close(descriptor)
    if uncached >= 0 { close(uncached) }
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
    guard uncached < 0 else { return }
    #if os(Linux)
      // Linux starts to write dirty pages that are said not to be needed again.
      posix_fadvise(descriptor, offset, count, POSIX_FADV_DONTNEED)
    #endif
  }

  /// Writes all of `bytes` at a position from the file's first byte.
  func write(_ bytes: RawSpan, at offset: Int) throws(CheckpointError) {
    try unsafe bytes.withUnsafeBytes { buffer throws(CheckpointError) in
      try unsafe write(buffer, at: offset)
    }
  }

  /// Writes bytes that lie in a buffer as they will in the file's blocks: from the place on at which the position lies in
  /// its block.
  ///
  /// - Precondition: they are at most `BlockBuffer.capacity`.
  func write(_ buffer: BlockBuffer, count: Int, at offset: Int) throws(CheckpointError) {
    let block = BlockBuffer.block
    let (end, lead) = (offset + count, offset % block)
    // Whole blocks; what is left on either side shares its blocks with other tensors.
    let first = min(end, (offset + block - 1) / block * block)
    let last = max(first, end / block * block)
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
      unsafe UnsafeRawBufferPointer(
        start: buffer.start + lead + (range.lowerBound - offset), count: range.count)
    }
    guard try unsafe writeUncached(bytes(first..<last), at: first) else {
      return try unsafe write(bytes(offset..<end), at: offset)
    }
    try unsafe write(bytes(offset..<first), at: offset)
    try unsafe write(bytes(last..<end), at: last)
  }

  /// - Returns: whether it was possible.
  private func writeUncached(
    _ bytes: UnsafeRawBufferPointer, at offset: Int
  ) throws(CheckpointError) -> Bool {
    guard uncached >= 0, !isRefused.withLock({ $0 }) else { return false }
    let written = try unsafe write(bytes, at: offset, to: uncached)
    if !written { isRefused.withLock { $0 = true } }
    return written
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
    try turn.withLock { _ throws(CheckpointError) in
      _ = try unsafe write(bytes, at: offset, to: descriptor)
    }
  }

  /// - Returns: whether the system takes writes of this kind.
  private func write(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, to descriptor: Int32
  ) throws(CheckpointError) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    var done = 0
    while done < bytes.count {
      let count = unsafe pwrite(descriptor, base + done, bytes.count - done, offset + done)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EINVAL && descriptor == uncached { return false }
      guard count > 0 else { throw .system("write", path) }
      done += count
    }
    return true
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
