import ModelAccess
import Support
import Testing

@testable import Inference

/// The pool's rules over whole runs, in a world where time costs nothing.
@Suite struct PoolSimulationTests {
  /// What a simulated server makes of a request that arrives.
  struct Answer {
    var after: Duration
    var outcome: PoolState.Outcome
  }

  /// Requests that all come at once, servers that do with each what a test says, and the client's part:
  /// a request that was refused asks again as often as the policy lets it.
  struct Simulation {
    var state: PoolState
    let retries: RetryPolicy
    /// - Parameters: the server's number, what it has under way, and the time.
    let serve: (_ server: Int, _ load: Int, _ now: Duration) -> Answer
    var now: Duration = .zero
    var answered: [Int: Int] = [:]
    var failed: [Int: ChatFailure] = [:]
    var loads: [Int]
    var arrivals: [Int]
    var refusals = 0
    private var attempts: [ContinuationID: Int] = [:]
    private var requests: [ContinuationID: Int] = [:]
    private var next = 0
    private enum Event {
      case wake
      case end(ContinuationID, PoolState.Lease, PoolState.Outcome)
    }
    private var events: [(at: Duration, number: Int, event: Event)] = []

    init(
      servers: Int, limit: Int, retries: RetryPolicy, seed: UInt64 = 1,
      serve: @escaping (_ server: Int, _ load: Int, _ now: Duration) -> Answer
    ) {
      state = PoolState(servers: servers, limit: limit, retries: retries, seed: seed)
      self.retries = retries
      self.serve = serve
      loads = Array(repeating: 0, count: servers)
      arrivals = loads
    }

    private mutating func schedule(_ at: Duration, _ event: Event) {
      next += 1
      events.append((at, next, event))
    }

    private mutating func ask(_ request: Int, attempt: Int, avoiding: Int? = nil) {
      next += 1
      let id = ContinuationID(next)
      requests[id] = request
      attempts[id] = attempt
      perform(state.request(id, among: nil, avoiding: avoiding, now: now))
    }

    private mutating func perform(_ actions: [PoolState.Action]) {
      for action in actions {
        switch action {
        case .wake(let moment): schedule(moment, .wake)
        case .tellPause: break
        case .fail(let id, let failure):
          guard let request = requests.removeValue(forKey: id) else {
            Issue.record("a request failed twice")
            continue
          }
          failed[request] = failure
        case .grant(let id, let lease):
          if requests[id] == nil { Issue.record("a request that is over got a server") }
          arrivals[lease.server] += 1
          let answer = serve(lease.server, loads[lease.server], now)
          loads[lease.server] += 1
          schedule(now + answer.after, .end(id, lease, answer.outcome))
        }
      }
    }

    private mutating func end(
      _ id: ContinuationID, _ lease: PoolState.Lease, _ outcome: PoolState.Outcome
    ) {
      loads[lease.server] -= 1
      guard let request = requests.removeValue(forKey: id), let attempt = attempts[id] else {
        Issue.record("a request ended twice")
        return
      }
      perform(state.release(lease, outcome, now: now))
      let isRefused = outcome != .answered
      guard isRefused else {
        answered[request, default: 0] += 1
        return
      }
      refusals += 1
      let isExhausted =
        if case .overloaded = outcome { state.isExhausted(lease.server, now: now) } else { false }
      guard attempt <= retries.maxRetries, !isExhausted else {
        failed[request] = ChatFailure.fatal(.http(429), "refused")
        return
      }
      ask(request, attempt: attempt + 1, avoiding: outcome == .unreachable ? lease.server : nil)
    }

    /// Runs until nothing happens any more.
    mutating func run(_ count: Int) {
      for request in 0..<count { ask(request, attempt: 1) }
      while let index = events.indices.min(by: {
        (events[$0].at, events[$0].number) < (events[$1].at, events[$1].number)
      }) {
        let event = events.remove(at: index)
        now = event.at
        switch event.event {
        case .wake: perform(state.wake(now: now))
        case .end(let id, let lease, let outcome): end(id, lease, outcome)
        }
      }
      // Nobody is left behind, and nobody was answered twice.
      #expect(state.waiting == 0)
      #expect(answered.values.allSatisfy { $0 == 1 })
      #expect(answered.count + failed.count == count)
      #expect(loads.allSatisfy { $0 == 0 })
    }
  }

  static let retries = RetryPolicy(overloadSeconds: 0)

  @Test(arguments: 1...5 as ClosedRange<UInt64>) func aStormIsSatOut(seed: UInt64) {
    var run = Simulation(servers: 1, limit: 16, retries: Self.retries, seed: seed) { _, load, _ in
      load < 2
        ? Answer(after: .seconds(1), outcome: .answered)
        : Answer(after: .milliseconds(5), outcome: .overloaded(secondsAsked: nil))
    }
    run.run(150)
    #expect(run.answered.count == 150)
    #expect(run.refusals < 100, "\(run.refusals)")
    #expect(run.state.limits[0] < 16)
  }

  @Test func aStormThatEndsIsForgotten() {
    var run = Simulation(servers: 1, limit: 8, retries: Self.retries) { _, _, now in
      now < .seconds(3)
        ? Answer(after: .milliseconds(5), outcome: .overloaded(secondsAsked: nil))
        : Answer(after: .milliseconds(100), outcome: .answered)
    }
    run.run(200)
    #expect(run.answered.count == 200)
    #expect(run.state.limits == [8])
  }

  @Test func anEndlessStormIsGivenUpByAllTogether() {
    var run = Simulation(servers: 1, limit: 8, retries: Self.retries) { _, _, _ in
      Answer(after: .milliseconds(5), outcome: .overloaded(secondsAsked: nil))
    }
    run.run(300)
    #expect(run.failed.count == 300)
    #expect(run.arrivals[0] < 40, "\(run.arrivals)")
    #expect(run.now < .seconds(120))
  }

  @Test func fasterReplicasGetMore() {
    var run = Simulation(servers: 3, limit: 2, retries: Self.retries) { server, _, _ in
      Answer(after: .seconds(server == 0 ? 4 : 1), outcome: .answered)
    }
    run.run(180)
    #expect(run.arrivals == [20, 80, 80])
    #expect(run.now <= .seconds(41))
  }

  /// One of three replicas is away for a while: nothing is lost, and it is asked again afterwards.
  @Test(arguments: 1...3 as ClosedRange<UInt64>) func aReplicaThatGoesAndComesBack(seed: UInt64) {
    var run = Simulation(servers: 3, limit: 4, retries: Self.retries, seed: seed) {
      server, _, now in
      server == 1 && (.seconds(2) ..< .seconds(9)).contains(now)
        ? Answer(after: .milliseconds(1), outcome: .unreachable)
        : Answer(after: .milliseconds(500), outcome: .answered)
    }
    run.run(600)
    #expect(run.answered.count == 600)
    #expect(run.refusals < 30, "\(run.refusals)")
    #expect(run.arrivals[1] > 40, "\(run.arrivals)")
  }

  /// Events in any order: no request is lost, granted twice or given to a server that is full.
  @Test(arguments: 1...50 as ClosedRange<UInt64>) func anyOrderOfEventsKeepsTheBooks(
    seed: UInt64
  ) {
    var random = SplitMix64(seed: seed)
    let (servers, limit) = (Int.random(in: 1...4, using: &random), 3)
    var state = PoolState(
      servers: servers, limit: limit, retries: RetryPolicy(maxRetries: 2), seed: seed)
    var (now, asked) = (Duration.zero, 0)
    var waiting: Set<ContinuationID> = []
    var leases: [PoolState.Lease] = []
    // One expectation at the end: each costs more than an event.
    var faults: [String] = []
    func require(_ holds: Bool, _ what: String) { if !holds { faults.append("\(now): \(what)") } }
    func perform(_ actions: [PoolState.Action]) {
      for action in actions {
        switch action {
        case .grant(let id, let lease):
          require(waiting.remove(id) != nil, "a server for a request that does not wait")
          leases.append(lease)
          require(leases.count { $0.server == lease.server } <= limit, "a server that is full")
        case .fail(let id, _):
          require(waiting.remove(id) != nil, "a failure for a request that does not wait")
        case .wake(let moment):
          require(moment >= now, "a timer in the past")
        case .tellPause:
          break
        }
      }
    }
    for _ in 0..<400 {
      now += .milliseconds(Int.random(in: 0...400, using: &random))
      let server = Int.random(in: 0..<servers, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0...3:
        asked += 1
        waiting.insert(ContinuationID(asked))
        let among = Bool.random(using: &random) ? nil : [server]
        perform(
          state.request(
            ContinuationID(asked), among: among, avoiding: asked % 5 == 0 ? server : nil, now: now))
      case 4...7:
        guard let index = leases.indices.randomElement(using: &random) else { continue }
        let outcomes: [PoolState.Outcome] = [
          .answered, .overloaded(secondsAsked: nil), .overloaded(secondsAsked: 0.1), .unreachable,
          .unknown,
        ]
        let outcome = outcomes.randomElement(using: &random) ?? .answered
        perform(state.release(leases.remove(at: index), outcome, now: now))
      case 8:
        let id = waiting.randomElement(using: &random) ?? ContinuationID(0)
        perform(state.cancel(id))
      default:
        if Bool.random(using: &random) {
          state.suspend(server)
        } else {
          perform(state.resume(server, now: now))
        }
      }
      require(state.waiting == waiting.count, "\(state.waiting) wait, not \(waiting.count)")
      require(state.limits.allSatisfy { (1...limit).contains($0) }, "limits \(state.limits)")
    }
    perform(state.close(.cancelled))
    #expect(waiting.isEmpty)
    #expect(faults.isEmpty)
  }
}
