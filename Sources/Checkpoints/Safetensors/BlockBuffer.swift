import LinearAlgebra
import Synchronization

/// Memory for reads and writes past the system's cache, which want whole blocks of a file in memory that is aligned like
/// them; used again when its owner is done with it.
@safe final class BlockBuffer: @unchecked Sendable {
  // Unchecked: whoever holds it has it alone.

  /// Such reads and writes begin and end at multiples of so many bytes.
  static let block = 4_096
  /// Bytes that can be read or written at once, wherever in a block they begin. More at once are no faster.
  static let capacity = 8 << 20
  private static let byteCount = capacity + 2 * block
  /// Those that nobody uses: the system clears fresh memory, which takes as long as reading it does.
  private static let idle = Mutex<[FloatBuffer]>([])
  /// As many as are in use at a time with two models and some threads.
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
