import CMapping
import Foundation
import Support

/// A whole file mapped for reading; unmapped when this goes away.
///
/// Bytes are only ever read. Writers in this project write beside and rename, which leaves a mapped file
/// as it was. Where someone else cuts it short, the first byte that is missing ends the process with a
/// sentence that names the file; where someone writes into it, `requireUnchanged` tells.
@safe
struct MappedFile: ~Copyable {
  /// What the kernel should expect of a range.
  enum Advice {
    /// Read it ahead.
    case willNeed
    /// Its pages may be dropped; they are read again if touched.
    case dontNeed
    /// It is read from front to back.
    case sequential
  }

  private let base: UnsafeRawPointer
  /// Bytes in the file; at least 1.
  let count: Int
  let path: String
  let state: FileState
  /// By which the handler of failed reads forgets it.
  private let remembered: UnsafeMutableRawPointer?

  /// - Throws: `fileSystem` where it is no regular file, cannot be opened or mapped, or is empty.
  init(_ path: String) throws(CheckpointError) {
    let file: RegularFile
    do throws(RegularFile.Fault) {
      file = try RegularFile(path)
    } catch {
      throw .unreadable(path, error)
    }
    let count = file.state.size
    guard count > 0 else { throw .fileSystem(.emptyFile(path: path)) }
    // The mapping outlives the descriptor.
    guard let mapping = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0),
      unsafe mapping != MAP_FAILED
    else { throw .system("map", path) }
    unsafe base = UnsafeRawPointer(mapping)
    self.count = count
    self.path = path
    state = file.state
    unsafe remembered = loxeval_mapping_remember(mapping, count, path)
  }

  deinit {
    unsafe loxeval_mapping_forget(remembered)
    unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
  }

  /// Checks that the file is the one that was opened, and was not written since.
  ///
  /// - Throws: `fileSystem` with `changed`.
  func requireUnchanged() throws(CheckpointError) {
    guard FileState(of: path) == state else { throw .fileSystem(.changed(path: path)) }
  }

  /// Reads a value at any alignment.
  ///
  /// - Precondition: the value lies inside the file.
  func loadUnaligned<Value: BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
    precondition(offset >= 0 && offset <= count - MemoryLayout<Value>.size)
    return unsafe base.loadUnaligned(fromByteOffset: offset, as: type)
  }

  /// Lends a range of bytes to `body`, which must not let them escape.
  ///
  /// - Precondition: the range lies inside the file.
  func withUnsafeBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(unsafeBytes(in: range))
  }

  /// A range of bytes, valid while this mapping lives.
  ///
  /// - Precondition: the range lies inside the file.
  @unsafe
  func unsafeBytes(in range: Range<Int>) -> UnsafeRawBufferPointer {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
  }

  /// Whether at least half of a range is in memory already, as far as the system tells.
  func isCached(_ range: Range<Int>) -> Bool {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = range.lowerBound / page
    let pages = (range.upperBound + page - 1) / page - first
    guard pages > 0 else { return true }
    let resident = unsafe loxeval_resident_pages(base + first * page, pages)
    return resident < 0 || 2 * resident >= pages
  }

  /// A block device's usual read-ahead.
  private static let readAtATime = 128 << 10

  /// Tells the kernel what is about to happen to a range; only ever a matter of speed.
  func advise(_ advice: Advice, in range: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    var lower = range.lowerBound / page * page
    var upper = range.upperBound
    if advice == .dontNeed {
      // Neighbours share the outer pages: drop only whole ones, and the last page of the file.
      lower = (range.lowerBound + page - 1) / page * page
      upper = range.upperBound == count ? count : range.upperBound / page * page
    }
    guard lower < upper else { return }
    let value =
      switch advice {
      case .willNeed: MADV_WILLNEED
      case .dontNeed: MADV_DONTNEED
      case .sequential: MADV_SEQUENTIAL
      }
    // Of a longer range the kernel reads no more ahead than it would by itself.
    let most = advice == .willNeed ? Self.readAtATime : upper - lower
    for begin in stride(from: lower, to: upper, by: most) {
      unsafe madvise(
        UnsafeMutableRawPointer(mutating: base + begin), min(most, upper - begin), Int32(value))
    }
  }
}

// The mapping is private and read-only, and the pointer never changes: any thread may read it.
extension MappedFile: @unchecked Sendable {}
