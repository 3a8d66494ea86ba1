import CKernels
import Foundation
package import Support
import Synchronization

/// Threads that stay awake between short pieces of work.
///
/// A decoder's step is a few hundred products of some ten microseconds each; waking a sleeping
/// thread takes longer than that. Workers therefore wait in a short loop for the next piece and go
/// to sleep only when none comes for a while. Each thread takes a stretch of the pieces in order, so that
/// what one fetches ahead is what it needs next, and then what others have left. How that falls out is chance, so
/// a piece's result must not depend on who computes it.
@safe package final class WorkerPool: @unchecked Sendable {
  // Unchecked: `work` and `count` are written only in `run`, while no worker is between two
  // generations; `generation` (sequentially consistent) publishes them and `unfinished` ends the
  // workers' use of them. `run` itself is called by one thread at a time, which `caller` checks.

  /// Threads that compute, the caller's included.
  package let threadCount: Int

  private let generation = Atomic<Int>(0)
  /// The next piece of each thread's own stretch, each on a cache line of its own.
  private let next: UnsafeMutablePointer<Atomic<Int>>
  private static let spacing = 128 / MemoryLayout<Atomic<Int>>.stride
  private let unfinished = Atomic<Int>(0)
  private let sleeping = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let caller = Atomic<Bool>(false)
  private let wakeUp = NSCondition()
  private var count = 0
  private var work: ((_ piece: Int, _ worker: Int) -> Void)?

  /// About 100 µs of waiting before a worker sleeps.
  private static let patience = 4_000

  /// More would only take turns.
  package static let threadRange = NumberRange(1...512)

  /// One thread for each processor that the process may use.
  package static var processorCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Whether the threads take numbers below the smallest normal one for 0.
  private let flushesSubnormals: Bool

  /// - Parameters:
  ///   - threadCount: at least 1.
  ///   - flushesSubnormals: whether the threads, and the caller during `run`, take numbers below the
  ///     smallest normal one for 0, as training does for speed.
  package init(threadCount: Int = WorkerPool.processorCount, flushesSubnormals: Bool = false) {
    precondition(threadCount >= 1)
    self.threadCount = threadCount
    unsafe next = .allocate(capacity: threadCount * Self.spacing)
    for place in 0..<threadCount * Self.spacing {
      unsafe (next + place).initialize(to: Atomic(0))
    }
    self.flushesSubnormals = flushesSubnormals
    for worker in 1..<max(1, threadCount) {
      // Each thread holds the pool until `shutDown`.
      let thread = Thread { self.serve(as: worker) }
      thread.name = "loxeval-worker-\(worker)"
      thread.start()
    }
  }

  // The threads hold the pool, so none runs any more.
  deinit {
    unsafe next.deinitialize(count: threadCount * Self.spacing)
    unsafe next.deallocate()
  }

  /// Ends the threads. The pool must not be used afterwards.
  package func shutDown() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    generation.add(1, ordering: .sequentiallyConsistent)
    wakeUp.lock()
    wakeUp.broadcast()
    wakeUp.unlock()
  }

  /// Calls `body` for every piece in `0 ..< count` and returns when all have been done.
  ///
  /// - Parameters:
  ///   - count: pieces of work, taken by whichever thread is free.
  ///   - body: gets the piece and the number of the thread (`0 ..< threadCount`) that computes it,
  ///     by which it can choose scratch space of its own.
  package func run(count: Int, _ body: (_ piece: Int, _ worker: Int) -> Void) {
    let before = flushesSubnormals ? loxeval_flush_subnormals(1) : 0
    defer { if flushesSubnormals { _ = loxeval_flush_subnormals(before) } }
    if threadCount == 1 || count <= 1 {
      for piece in 0..<count { body(piece, 0) }
      return
    }
    let free = caller.compareExchange(
      expected: false, desired: true, ordering: .acquiringAndReleasing
    ).exchanged
    precondition(free, "a WorkerPool serves one caller at a time")
    withoutActuallyEscaping(body) { body in
      self.count = count
      work = body
      for worker in 0..<threadCount {
        unsafe next[worker * Self.spacing].store(begin(ofStretch: worker), ordering: .relaxed)
      }
      unfinished.store(threadCount - 1, ordering: .relaxed)
      generation.add(1, ordering: .sequentiallyConsistent)
      if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
        wakeUp.lock()
        wakeUp.broadcast()
        wakeUp.unlock()
      }
      takePieces(as: 0)
      var spins = 0
      while unfinished.load(ordering: .acquiring) > 0 {
        spins += 1
        if spins < Self.patience { loxeval_spin_hint() } else { sched_yield() }
      }
      work = nil
    }
    caller.store(false, ordering: .releasing)
  }

  private func takePieces(as worker: Int) {
    guard let work else { return }
    for turn in 0..<threadCount {
      let owner = (worker + turn) % threadCount
      let end = begin(ofStretch: owner + 1)
      while true {
        let piece = unsafe next[owner * Self.spacing].add(1, ordering: .relaxed).oldValue
        if piece >= end { break }
        work(piece, worker)
      }
    }
  }

  private func begin(ofStretch worker: Int) -> Int { count * worker / threadCount }

  /// One worker's life: wait for a generation, take pieces, report, until the pool stops.
  private func serve(as worker: Int) {
    if flushesSubnormals { _ = loxeval_flush_subnormals(1) }
    var seen = 0
    while true {
      var spins = 0
      while generation.load(ordering: .acquiring) == seen {
        spins += 1
        if spins < Self.patience {
          loxeval_spin_hint()
        } else {
          sleep(while: seen)
          spins = 0
        }
      }
      seen = generation.load(ordering: .acquiring)
      if stopping.load(ordering: .acquiring) { return }
      takePieces(as: worker)
      unfinished.subtract(1, ordering: .acquiringAndReleasing)
    }
  }

  private func sleep(while seen: Int) {
    wakeUp.lock()
    sleeping.add(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen { wakeUp.wait() }
    sleeping.subtract(1, ordering: .sequentiallyConsistent)
    wakeUp.unlock()
  }
}
