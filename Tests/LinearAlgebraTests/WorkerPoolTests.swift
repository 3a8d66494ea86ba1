import LinearAlgebra
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 5])
  func everyPieceIsDoneOnce(threadCount: Int) {
    let pool = WorkerPool(threadCount: threadCount)
    defer { pool.shutDown() }
    for count in [0, 1, 2, 7, 1_000] {
      let done = Mutex([Int](repeating: 0, count: count))
      pool.run(count: count) { piece, worker in
        #expect((0..<threadCount).contains(worker))
        done.withLock { $0[piece] += 1 }
      }
      #expect(done.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test func workersThatFellAsleepWakeUp() async throws {
    let pool = WorkerPool(threadCount: 2)
    defer { pool.shutDown() }
    for _ in 0..<5 {
      try await Task.sleep(for: .milliseconds(5))
      let sum = Atomic<Int>(0)
      pool.run(count: 100) { piece, _ in sum.add(piece, ordering: .relaxed) }
      #expect(sum.load(ordering: .relaxed) == 4_950)
    }
  }

  /// One thread is held at its first piece until all others are done.
  @Test func othersDoWhatASlowThreadLeaves() {
    let pool = WorkerPool(threadCount: 2)
    defer { pool.shutDown() }
    let done = Atomic<Int>(0)
    let deadline = ContinuousClock.now + .seconds(30)
    pool.run(count: 10) { piece, _ in
      while piece == 0, done.load(ordering: .acquiring) < 9, .now < deadline {}
      done.add(1, ordering: .acquiringAndReleasing)
    }
    #expect(done.load(ordering: .relaxed) == 10)
    #expect(.now < deadline)
  }
}
