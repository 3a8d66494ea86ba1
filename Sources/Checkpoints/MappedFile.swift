import Foundation

/// A file mapped into memory, read-only; unmapped with its owner.
@safe
struct MappedFile: ~Copyable, @unchecked Sendable {
  // Unchecked: the mapping is read-only and lives exactly as long as its one owner.
  private let start: UnsafeMutableRawPointer
  let byteCount: Int

  init(_ url: URL) throws(CheckpointError) {
    let mapping = unsafe try Self.map(url)
    unsafe start = mapping.start
    byteCount = unsafe mapping.byteCount
  }

  private static func map(
    _ url: URL
  ) throws(CheckpointError) -> (start: UnsafeMutableRawPointer, byteCount: Int) {
    let descriptor = unsafe open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(path: url.path, reason: reason()) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: url.path, reason: reason())
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(path: url.path, reason: "it is not a file")
    }
    let byteCount = Int(status.st_size)
    guard byteCount > 0 else { throw .fileTooShort(file: url.path, byteCount: 0) }
    let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw .unreadable(path: url.path, reason: reason())
    }
    return unsafe (address, byteCount)
  }

  deinit { unsafe munmap(start, byteCount) }

  /// The file's bytes, valid while this value lives.
  @unsafe var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: start, count: byteCount)
  }

  /// Tells the kernel that a range will not be needed soon, so that its pages may go.
  func release(_ range: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let begin = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    guard begin < end else { return }
    unsafe madvise(start + begin, end - begin, MADV_DONTNEED)
  }

  static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
