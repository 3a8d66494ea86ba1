import CMapping
import Foundation
import Support

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
    let buffer = BlockBuffer()
    guard (try? read(0..<min(size, BlockBuffer.block), into: buffer)) != nil else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Reads a range of bytes, and those around it that share its blocks.
  ///
  /// - Precondition: the range lies inside the file, and has at most `BlockBuffer.capacity` bytes.
  /// - Returns: where the range's first byte lies in the buffer.
  /// - Throws: `fileSystem` where the system cannot, or the file has become shorter.
  func read(_ range: Range<Int>, into buffer: BlockBuffer) throws(CheckpointError) -> Int {
    precondition(range.count <= BlockBuffer.capacity)
    return try unsafe read(range, into: buffer.start)
  }

  /// The same into memory that begins where a block does and has room for all blocks of the range.
  func read(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws(CheckpointError)
    -> Int
  {
    let begin = range.lowerBound / BlockBuffer.block * BlockBuffer.block
    let end = (range.upperBound + BlockBuffer.block - 1) / BlockBuffer.block * BlockBuffer.block
    precondition(range.upperBound <= size)
    var done = 0
    while done < range.upperBound - begin {
      let count = unsafe pread(
        descriptor, target + done, end - begin - done, off_t(begin + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .system("read", path) }
      guard count > 0 else { throw .fileSystem(.changed(path: path)) }
      done += count
    }
    return range.lowerBound - begin
  }
}
