import Foundation
import Support
import Synchronization

/// Hands tensors to threads in order, as long as their working sets fit into a bound.
package final class TensorQueue: @unchecked Sendable {
  // Unchecked: `condition` is held wherever the variables are read or written.
  private let condition = NSCondition()
  private var waiting: ArraySlice<String>
  private var used = 0
  private var running = 0
  private var failure: (any Error)?
  /// Where in `waiting` the first lies of which nothing was read ahead.
  private var unread = 0
  private let memory: Int
  private let workingSet: (String) -> Int
  private let readAhead: (@Sendable (String) -> Void)?
  /// Threads for so many that compute: where files are read and written past the system's cache, some wait for the disk
  /// while others keep the processors busy.
  package static func threads(computing count: Int, on checkpoint: Checkpoint) -> Int {
    count + (checkpoint.isReadUncached ? 2 : 0)
  }
  /// Tensors that are read ahead of those in hand, at most.
  private static let mostAhead = 4

  /// - Parameters:
  ///   - memory: bytes that the tensors in hand may take together; a larger one goes alone.
  ///   - readAhead: asks for what will be read of a tensor soon; called by a thread of its own, so that the disk is
  ///     busy while the processors are.
  ///   - workingSet: bytes that a tensor takes; called by one thread at a time.
  package init(
    names: [String], memory: Int, readAhead: (@Sendable (String) -> Void)? = nil,
    workingSet: @escaping (String) -> Int
  ) {
    waiting = names[...]
    self.readAhead = readAhead
    self.memory = memory
    self.workingSet = workingSet
  }

  /// Calls `body` for every tensor and returns when all are done; the first error ends the work once
  /// the tensors in hand are finished.
  package func run(threads: Int, _ body: @escaping @Sendable (String) throws -> Void) throws {
    let workers = max(1, threads)
    runOnThreads(workers + (readAhead == nil ? 0 : 1)) { number in
      if number < workers { self.work(body) } else { self.readAllAhead() }
    }
    if let failure { throw failure }
  }

  private func work(_ body: (String) throws -> Void) {
    while let (name, size) = next() {
      var thrown: (any Error)?
      do { try body(name) } catch { thrown = error }
      condition.lock()
      used -= size
      running -= 1
      failure = failure ?? thrown
      condition.broadcast()
      condition.unlock()
    }
  }

  /// The first tensor that waits, once there is room for it; nil at the end.
  private func next() -> (name: String, size: Int)? {
    condition.lock()
    defer { condition.unlock() }
    while failure == nil, let name = waiting.first {
      let size = workingSet(name)
      if running == 0 || used + size <= memory {
        waiting.removeFirst()
        used += size
        running += 1
        condition.broadcast()
        return (name, size)
      }
      condition.wait()
    }
    return nil
  }

  private func readAllAhead() {
    condition.lock()
    defer { condition.unlock() }
    while failure == nil, !waiting.isEmpty {
      unread = max(unread, waiting.startIndex)
      guard unread < min(waiting.endIndex, waiting.startIndex + Self.mostAhead) else {
        condition.wait()
        continue
      }
      let name = waiting[unread]
      unread += 1
      condition.unlock()
      readAhead?(name)
      condition.lock()
    }
  }
}

/// Counts what several threads finish.
package final class TensorCounter: Sendable {
  private let done: Mutex<Int>

  package init(done: Int) { self.done = Mutex(done) }

  /// Calls `report` with the new count, one thread at a time.
  package func countOne(_ report: (Int) throws -> Void) rethrows {
    try done.withLock { done in
      done += 1
      try report(done)
    }
  }
}
