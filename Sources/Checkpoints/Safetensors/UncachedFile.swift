import CMapping
import Foundation
import LinearAlgebra
import Support
import Synchronization

/// A file that is read past the system's cache; closed when this goes away.
///
/// What is read so costs next to no processor time and leaves the cache to others: of a model larger than memory
/// the cache would keep nothing until it is needed again.
final class UncachedFile: Sendable {
  private let descriptor: Int32
  private let path: String
  private let size: Int

  /// - Returns: nil where the file system cannot be read so, or the file is not the mapped one any more.
  init?(_ mapping: borrowing MappedFile) {
    descriptor = unsafe loxeval_open_uncached(mapping.path)
    (path, size) = (mapping.path, mapping.count)
    guard descriptor >= 0, FileState(of: descriptor) == mapping.state else { return nil }
    // Some say so only when they are asked.
    let buffer = Buffer()
    guard (try? read(0..<min(size, Buffer.block), into: buffer)) != nil else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Reads a range of bytes, and those around it that share its blocks.
  ///
  /// - Precondition: the range lies inside the file, and has at most `Buffer.capacity` bytes.
  /// - Returns: where the range's first byte lies in the buffer.
  /// - Throws: `fileSystem` where the system cannot, or the file has become shorter.
  func read(_ range: Range<Int>, into buffer: Buffer) throws(CheckpointError) -> Int {
    let begin = range.lowerBound / Buffer.block * Buffer.block
    let end = (range.upperBound + Buffer.block - 1) / Buffer.block * Buffer.block
    precondition(range.upperBound <= size && end - begin <= Buffer.byteCount)
    var done = 0
    while done < range.upperBound - begin {
      let count = unsafe pread(
        descriptor, buffer.start + done, end - begin - done, off_t(begin + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .system("read", path) }
      guard count > 0 else { throw .fileSystem(.changed(path: path)) }
      done += count
    }
    return range.lowerBound - begin
  }

  /// Memory that such reads can go to; used again when its owner is done with it.
  @safe final class Buffer: @unchecked Sendable {
    // Unchecked: whoever holds it has it alone.

    /// Reads begin and end at multiples of so many bytes.
    static let block = 4_096
    /// Bytes that can be asked for at once. Larger reads are no faster.
    static let capacity = 8 << 20
    fileprivate static let byteCount = capacity + 2 * block
    /// Those that nobody uses: the system clears fresh memory, which takes as long as reading it does.
    private static let idle = Mutex<[FloatBuffer]>([])
    /// As many as are read at a time with two models and some threads.
    private static let mostIdle = 16

    private let storage: FloatBuffer
    let start: UnsafeMutableRawPointer

    init() {
      let found = Self.idle.withLock { $0.popLast() }
      unsafe storage = found ?? FloatBuffer(uninitializedCount: Self.byteCount / 4)
      unsafe start = UnsafeMutableRawPointer(storage.start)
    }

    deinit {
      Self.idle.withLock { if $0.count < Self.mostIdle { $0.append(storage) } }
    }
  }
}
