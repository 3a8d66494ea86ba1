import CKernels
import Foundation
import Synchronization

/// Memory of large buffers that were freed, kept for later ones of the same size. What is kept makes room for buffers of
/// other sizes, so that there is never more memory than was in use at once.
///
/// What goes back to the system comes again a page at a time, filled with zeros, and in a virtual machine perhaps from
/// the host. Trainings that follow each other need the same sizes each time.
final class FreedMemory: Sendable {
  static let shared = FreedMemory()

  /// Smaller ones the C library keeps by itself.
  static let smallest = 4 << 20

  /// Freed by whoever takes it out of the store.
  @safe private struct Block: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
  }

  private struct State {
    /// Calls of `reusing` under way.
    var users = 0
    /// By their bytes; none of them is empty.
    var blocks: [Int: [Block]] = [:]

    mutating func take(_ byteCount: Int) -> Block? {
      guard let block = blocks[byteCount]?.popLast() else { return nil }
      if blocks[byteCount]?.isEmpty == true { blocks[byteCount] = nil }
      return block
    }

    /// Takes out as much as that, if there is as much: the one that fits best, or the largest ones.
    mutating func makeRoom(for byteCount: Int) -> [Block] {
      var (taken, missing) = ([Block](), byteCount)
      while missing > 0, let largest = blocks.keys.max() {
        let size = blocks.keys.filter { $0 >= missing }.min() ?? largest
        if let block = take(size) { taken.append(block) }
        missing -= size
      }
      return taken
    }
  }

  private let state = Mutex(State())

  /// Keeps what is freed during `work` until it ends.
  func reusing<Result>(_ work: () throws -> Result) rethrows -> Result {
    state.withLock { $0.users += 1 }
    defer { giveBack() }
    return try work()
  }

  private func giveBack() {
    let unused = state.withLock { state -> [Block] in
      state.users -= 1
      guard state.users == 0 else { return [] }
      defer { state.blocks = [:] }
      return state.blocks.values.flatMap { $0 }
    }
    for block in unused { unsafe free(block.start) }
    loxeval_release_freed_memory()
  }

  /// What is kept now.
  var keptByteCount: Int {
    state.withLock { $0.blocks.reduce(0) { $0 + $1.key * $1.value.count } }
  }

  func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= Self.smallest else { return unsafe loxeval_allocate(byteCount) }
    let (kept, unused) = state.withLock { state in
      state.take(byteCount).map { ($0, []) } ?? (nil, state.makeRoom(for: byteCount))
    }
    for block in unused { unsafe free(block.start) }
    return unsafe kept?.start ?? loxeval_allocate(byteCount)
  }

  func release(_ start: UnsafeMutableRawPointer, _ byteCount: Int) {
    if byteCount >= Self.smallest {
      let block = unsafe Block(start: start)
      let isKept = state.withLock { state in
        guard state.users > 0 else { return false }
        state.blocks[byteCount, default: []].append(block)
        return true
      }
      if isKept { return }
    }
    unsafe free(start)
  }
}
