import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// The pool around its rules: suspended requests, timers and cancellation, on a clock of the test's own.
@Suite struct EndpointPoolDriverTests {
  static let retries = RetryPolicy(
    maxRetries: 2, firstSeconds: 1, longestSeconds: 8, overloadSeconds: 0)

  static func pool(
    servers: Int = 1, limit: Int = 1, time: ManualTime = ManualTime(),
    onPause: @escaping @Sendable (Endpoint, Double) -> Void = { _, _ in }
  ) throws -> EndpointPool {
    EndpointPool(
      try (0..<servers).map { try Endpoint("http://127.0.0.1:\(9_000 + $0)", environment: [:]) },
      limit: limit, retries: retries, time: time, onPause: onPause)
  }

  /// Lets other tasks work until something holds: no time passes that a request could wait for.
  static func until(_ holds: () -> Bool) async { while !holds() { await Task.yield() } }

  @Test func aRequestThatWaitsGetsTheServerThatIsGivenBack() async throws {
    let pool = try Self.pool()
    let first = try await pool.acquire()
    async let second = pool.acquire()
    await Self.until { pool.waiting == 1 }
    pool.release(first, .answered)
    #expect(try await second.server == 0)
  }

  @Test func aPauseIsOverWhenItsTimeHasComeAndNotBefore() async throws {
    let time = ManualTime()
    let pauses = Mutex<[Double]>([])
    let pool = try Self.pool(time: time) { _, seconds in pauses.withLock { $0.append(seconds) } }
    pool.release(try await pool.acquire(), .overloaded(secondsAsked: 5))
    #expect(pauses.withLock { $0 } == [5])
    let isServed = Mutex(false)
    let request = Task {
      let lease = try await pool.acquire()
      isServed.withLock { $0 = true }
      return lease
    }
    await Self.until { pool.waiting == 1 }
    await time.waitForSleepers()
    #expect(time.nextEnd == .seconds(5))
    time.advance(by: .milliseconds(4_900))
    for _ in 0..<100 { await Task.yield() }
    #expect(!isServed.withLock { $0 })
    time.advance(by: .milliseconds(100))
    #expect(try await request.value.grantedAt == .seconds(5))
  }

  @Test func aRequestThatIsCancelledWhileItWaitsFailsAtOnce() async throws {
    let pool = try Self.pool()
    pool.suspend(0)
    let request = Task { try await pool.acquire() }
    await Self.until { pool.waiting == 1 }
    request.cancel()
    await #expect(throws: ChatFailure.cancelled) { try await request.value }
    #expect(pool.waiting == 0)
  }

  @Test func aCancelledTaskGetsNoServer() async throws {
    let pool = try Self.pool()
    let request = Task {
      await Self.until { Task.isCancelled }
      return try await pool.acquire()
    }
    request.cancel()
    await #expect(throws: ChatFailure.cancelled) { try await request.value }
    // The only place is free.
    #expect(try await pool.acquire().server == 0)
  }

  @Test func allWhoWaitAreToldWhenThePoolCloses() async throws {
    let pool = try Self.pool()
    pool.suspend(0)
    let requests = (0..<20).map { _ in Task { try await pool.acquire() } }
    await Self.until { pool.waiting == 20 }
    let reason = ChatFailure.fatal("server-gone", "it crashed")
    pool.close(reason)
    for request in requests { await #expect(throws: reason) { try await request.value } }
    await #expect(throws: reason) { try await pool.acquire() }
  }

  @Test func aServerThatIsReadyAgainTakesThoseWhoWait() async throws {
    let pool = try Self.pool(limit: 8)
    pool.suspend(0)
    let requests = (0..<8).map { _ in Task { try await pool.acquire() } }
    await Self.until { pool.waiting == 8 }
    pool.resume(0)
    for request in requests { #expect(try await request.value.server == 0) }
  }

  /// A timer holds nothing: a pool that is not used any more goes at once.
  @Test func aPausedPoolIsNotKept() async throws {
    let time = ManualTime()
    weak var gone: EndpointPool?
    do {
      let pool = try Self.pool(time: time)
      gone = pool
      pool.release(try await pool.acquire(), .unreachable)
    }
    await time.waitForSleepers()
    #expect(gone == nil)
    time.advance(by: .seconds(10))
  }

  /// Many tasks, cancelled at random: each ends, and every server is free afterwards.
  @Test func cancellationsAndGrantsThatMeetLoseNothing() async throws {
    let pool = try Self.pool(servers: 3, limit: 2)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<600 {
        group.addTask {
          let request = Task {
            guard let lease = try? await pool.acquire() else { return }
            await Task.yield()
            pool.release(lease, number % 7 == 0 ? .unknown : .answered)
          }
          if number % 3 == 0 {
            if number % 2 == 0 { await Task.yield() }
            request.cancel()
          }
          await request.value
        }
      }
    }
    #expect(pool.waiting == 0)
    var leases: [EndpointPool.Lease] = []
    for _ in 0..<6 { leases.append(try await pool.acquire()) }
    #expect(leases.map(\.server).sorted() == [0, 0, 1, 1, 2, 2])
  }
}
