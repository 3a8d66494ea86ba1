import CKernels
import Foundation
import Synchronization

/// Memory of large buffers that were freed, kept for later ones of the same size.
///
/// What goes back to the system comes again a page at a time, filled with zeros, and in a virtual machine perhaps from
/// the host. Trainings that follow each other need the same sizes each time.
enum FreedMemory {
  /// Smaller ones the C library keeps by itself.
  private static let smallest = 4 << 20

  /// Freed by whoever takes it out of the store.
  @safe private struct Block: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
  }

  private struct State {
    /// Calls of `reusing` under way.
    var users = 0
    /// By their bytes.
    var blocks: [Int: [Block]] = [:]
  }

  private static let state = Mutex(State())

  /// Keeps what is freed during `work` until it ends.
  static func reusing<Result>(_ work: () throws -> Result) rethrows -> Result {
    state.withLock { $0.users += 1 }
    defer { giveBack() }
    return try work()
  }

  private static func giveBack() {
    let unused = state.withLock { state -> [Block] in
      state.users -= 1
      guard state.users == 0 else { return [] }
      defer { state.blocks = [:] }
      return state.blocks.values.flatMap { $0 }
    }
    for block in unused { unsafe free(block.start) }
    loxeval_release_freed_memory()
  }

  static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    if byteCount >= smallest, let block = state.withLock({ $0.blocks[byteCount]?.popLast() }) {
      return unsafe block.start
    }
    return unsafe loxeval_allocate(byteCount)
  }

  static func release(_ start: UnsafeMutableRawPointer, _ byteCount: Int) {
    if byteCount >= smallest {
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
