import ModelAccess
import Support
import Testing

@testable import Inference

/// The pool's rules, event by event: no server, no clock, no waiting.
@Suite struct PoolStateTests {
  static let retries = RetryPolicy(
    maxRetries: 3, firstSeconds: 1, longestSeconds: 10, longestServerDelaySeconds: 60,
    overloadSeconds: 0)

  /// Tells a state of events and keeps what came of them.
  struct Driver {
    var state: PoolState
    var now: Duration = .zero
    /// Numbers of the requests in the order in which they got a server, with what they got.
    var granted: [(request: Int, lease: PoolState.Lease)] = []
    var failed: [Int: ChatFailure] = [:]
    var wakes: [Duration] = []
    var told: [Double] = []
    private var numbers: [ContinuationID: Int] = [:]

    init(
      servers: Int = 1, limit: Int = 4, retries: RetryPolicy = PoolStateTests.retries,
      wantsProof: Bool = false
    ) {
      state = PoolState(
        servers: servers, limit: limit, retries: retries, wantsProof: wantsProof, seed: 1)
    }

    mutating func note(_ actions: [PoolState.Action]) {
      for action in actions {
        switch action {
        case .grant(let id, let lease): granted.append((numbers[id] ?? -1, lease))
        case .fail(let id, let failure): failed[numbers[id] ?? -1] = failure
        case .wake(let moment): wakes.append(moment)
        case .tellPause(_, let seconds): told.append(seconds)
        }
      }
    }

    mutating func ask(
      _ number: Int, among: [Int]? = nil, avoiding: Int? = nil, as variant: [ScaledUpdate]? = nil
    ) {
      let id = ContinuationID(number)
      numbers[id] = number
      note(state.request(id, among: among, avoiding: avoiding, as: variant, now: now))
    }

    mutating func prove(_ server: Int, as variant: [ScaledUpdate]) {
      note(state.prove(server, as: variant, now: now))
    }

    mutating func cancel(_ number: Int) { note(state.cancel(ContinuationID(number))) }

    mutating func end(_ request: Int, _ outcome: PoolState.Outcome) {
      guard let lease = lease(of: request) else {
        Issue.record("request \(request) has no server")
        return
      }
      note(state.release(lease, outcome, now: now))
    }

    mutating func wait(_ duration: Duration) {
      now += duration
      note(state.wake(now: now))
    }

    func lease(of request: Int) -> PoolState.Lease? {
      granted.last { $0.request == request }?.lease
    }

    /// The servers that requests got, in the requests' order.
    func servers(_ requests: Range<Int>) -> [Int?] { requests.map { lease(of: $0)?.server } }
  }

  @Test func theLeastLoadedServerIsNext() {
    var pool = Driver(servers: 3, limit: 2)
    for request in 0..<7 { pool.ask(request) }
    #expect(pool.servers(0..<7) == [0, 1, 2, 0, 1, 2, nil])
    pool.end(4, .answered)
    #expect(pool.lease(of: 6)?.server == 1)
  }

  @Test func requestsAreServedInOrderAndPassThoseWhoseServerIsFull() {
    var pool = Driver(servers: 2, limit: 1)
    pool.ask(0, among: [0])
    pool.ask(1, among: [0])
    pool.ask(2)
    pool.ask(3)
    #expect(pool.granted.map(\.request) == [0, 2])
    pool.end(0, .answered)
    #expect(pool.granted.map(\.request) == [0, 2, 1])
    pool.end(1, .answered)
    #expect(pool.granted.map(\.request) == [0, 2, 1, 3])
  }

  @Test func anOverloadedServerIsLeftAloneAndGetsHalf() {
    var pool = Driver(limit: 8)
    for request in 0..<9 { pool.ask(request) }
    pool.end(0, .overloaded(secondsAsked: nil))
    #expect(pool.state.limits == [4])
    #expect(pool.wakes.count == 1)
    #expect((.seconds(0.5) ... .seconds(1)).contains(pool.wakes[0]))
    // What was under way before tells the same once more, and counts no more.
    for request in 1..<8 { pool.end(request, .overloaded(secondsAsked: nil)) }
    #expect(pool.state.limits == [4])
    #expect(pool.wakes.count == 1)
    pool.wait(pool.wakes[0] - .milliseconds(1))
    #expect(pool.lease(of: 8) == nil)
    pool.wait(.milliseconds(1))
    #expect(pool.lease(of: 8) != nil)
  }

  /// Half of what it just had, not of what it might have had.
  @Test func theHalfIsOfWhatWasUnderWay() {
    var pool = Driver(limit: 16)
    for request in 0..<4 { pool.ask(request) }
    pool.end(0, .overloaded(secondsAsked: nil))
    #expect(pool.state.limits == [2])
    pool.wait(.seconds(1))
    pool.ask(4)
    #expect(pool.lease(of: 4) == nil)
    for request in 1..<4 { pool.end(request, .unknown) }
    pool.end(4, .overloaded(secondsAsked: nil))
    #expect(pool.state.limits == [1])
  }

  @Test func eachRoundOfAnswersAllowsOneMore() {
    var pool = Driver(limit: 4)
    for request in 0..<4 { pool.ask(request) }
    pool.end(0, .overloaded(secondsAsked: nil))
    var limits = pool.state.limits
    for request in 1..<4 { pool.end(request, .answered) }
    limits += pool.state.limits
    pool.wait(.seconds(1))
    for request in 4..<20 {
      pool.ask(request)
      pool.end(request, .answered)
    }
    limits += pool.state.limits
    #expect(limits == [2, 3, 4])
  }

  @Test(arguments: [(7.0, 7.0), (0.0, 0.0), (3_600, 60)] as [(Double, Double)])
  func theTimeThatAServerAsksForIsAPausesLeast(asked: Double, least: Double) {
    var pool = Driver()
    pool.ask(0)
    pool.end(0, .overloaded(secondsAsked: asked))
    #expect(pool.wakes[0] >= .seconds(least))
    #expect(pool.wakes[0] <= .seconds(max(1, least)))
  }

  @Test func pausesDoubleUpToTheLongestAndAnAnswerEndsTheRow() {
    var pool = Driver(retries: RetryPolicy(maxRetries: 9, firstSeconds: 1, longestSeconds: 10))
    for (request, full) in [1.0, 2, 4, 8, 10, 10].enumerated() {
      pool.ask(request)
      pool.end(request, .unreachable)
      let pause = pool.wakes[request] - pool.now
      #expect((.seconds(full / 2) ... .seconds(full)).contains(pause), "\(request): \(pause)")
      pool.wait(pause)
    }
    pool.ask(10)
    pool.end(10, .answered)
    pool.ask(11)
    pool.end(11, .unreachable)
    #expect(pool.wakes[6] - pool.now <= .seconds(1))
  }

  @Test func onlyPausesOfASecondOfAnOverloadedServerAreTold() {
    var pool = Driver()
    pool.ask(0)
    pool.end(0, .overloaded(secondsAsked: 0.2))
    pool.wait(.seconds(1))
    pool.ask(1)
    pool.end(1, .unreachable)
    pool.wait(.seconds(2))
    #expect(pool.told.isEmpty)
    pool.ask(2)
    pool.end(2, .overloaded(secondsAsked: 5))
    #expect(pool.told == [5])
  }

  @Test func aServerThatCannotBeReachedKeepsItsLimitAndIsAvoided() {
    var pool = Driver(servers: 2, limit: 2)
    pool.ask(0)
    pool.end(0, .unreachable)
    #expect(pool.state.limits == [2, 2])
    pool.wait(.seconds(1))
    // It has nothing under way and would be the first choice.
    pool.ask(1, avoiding: 0)
    pool.ask(2, avoiding: 0)
    pool.ask(3, avoiding: 0)
    #expect(pool.servers(1..<4) == [1, 1, nil])
    // Where there is no other it is tried again.
    pool.ask(4, among: [0], avoiding: 0)
    #expect(pool.lease(of: 4)?.server == 0)
  }

  /// Everybody gives up after as many pauses as a request has retries, not each after as many.
  @Test func thoseWhoWaitForNothingElseGiveUpTogether() {
    var pool = Driver(servers: 2, limit: 1)
    for number in 0..<4 {
      pool.ask(number, among: [0])
      if number == 3 {
        for waiting in 10..<13 { pool.ask(waiting, among: [0]) }
        pool.ask(13)
        pool.ask(14)
      }
      #expect(pool.failed.isEmpty)
      #expect(!pool.state.isExhausted(0, now: pool.now))
      pool.end(number, .overloaded(secondsAsked: nil))
      if number < 3 { pool.wait(.seconds(10)) }
    }
    #expect(pool.state.isExhausted(0, now: pool.now))
    #expect(Set(pool.failed.keys) == [10, 11, 12])
    #expect(pool.failed.values.allSatisfy { $0.code == .http(429) && !$0.isFatal })
    // The other server has them yet.
    #expect(pool.lease(of: 13)?.server == 1)
    #expect(pool.state.waiting == 1)
  }

  @Test func aSuspendedServerGetsNothingUntilItIsReadyAgain() {
    var pool = Driver(limit: 2)
    pool.ask(0)
    pool.end(0, .unreachable)
    pool.state.suspend(0)
    pool.ask(1)
    pool.wait(.seconds(100))
    #expect(pool.lease(of: 1) == nil)
    pool.note(pool.state.resume(0, now: pool.now))
    #expect(pool.lease(of: 1) != nil)
    // And what it did before it was started again is forgotten.
    pool.end(1, .unreachable)
    #expect(pool.wakes[1] - pool.now <= .seconds(1))
  }

  @Test func aClosedPoolFailsAllThatComesAndAllThatWaits() {
    let reason = ChatFailure.fatal("server-gone", "it crashed")
    var pool = Driver(limit: 1)
    for request in 0..<3 { pool.ask(request) }
    pool.note(pool.state.close(reason))
    #expect(pool.failed == [1: reason, 2: reason])
    pool.ask(3)
    #expect(pool.failed[3] == reason)
    // What is under way comes to its own end.
    pool.end(0, .answered)
    #expect(pool.failed.count == 3)
  }

  @Test func aCancelledRequestLeavesTheQueueOnce() {
    var pool = Driver(limit: 1)
    for request in 0..<3 { pool.ask(request) }
    pool.cancel(1)
    pool.cancel(1)
    pool.cancel(0)
    #expect(pool.failed == [1: .cancelled])
    pool.end(0, .unknown)
    #expect(pool.lease(of: 2) != nil)
  }
}
