import ModelAccess
import Support
import Testing

@testable import Inference

/// The pool's rules where servers come and go, event by event.
@Suite struct PoolReplicaTests {
  static let lox = [ScaledUpdate(name: "lox", scale: 1)]

  @Test func oneThatJoinsTakesThoseWhoWait() {
    var pool = PoolStateTests.Driver(servers: 1, limit: 1)
    for request in 0..<3 { pool.ask(request) }
    #expect(pool.servers(0..<3) == [0, nil, nil])
    pool.note(pool.state.add(now: pool.now))
    #expect(pool.servers(0..<3) == [0, 1, nil])
    #expect(pool.state.limits == [1, 1])
  }

  @Test func aPoolMayBeginEmpty() {
    var pool = PoolStateTests.Driver(servers: 0, limit: 1)
    pool.ask(0)
    #expect(pool.state.waiting == 1 && pool.failed.isEmpty)
    pool.note(pool.state.add(now: pool.now))
    #expect(pool.lease(of: 0)?.server == 0)
  }

  @Test func oneThatLeavesGetsNothingMoreAndEndsWhatItHas() {
    var pool = PoolStateTests.Driver(servers: 2, limit: 2)
    for request in 0..<4 { pool.ask(request) }
    #expect(pool.servers(0..<4) == [0, 1, 0, 1])
    pool.note(pool.state.remove(1))
    pool.ask(4)
    pool.end(1, .answered)
    pool.end(3, .answered)
    #expect(pool.lease(of: 4) == nil)
    pool.end(0, .answered)
    #expect(pool.lease(of: 4)?.server == 0)
    #expect(pool.failed.isEmpty)
  }

  /// Whoever can be answered by no other is told; the others wait for another to join.
  @Test func thoseWhoWaitForOneThatLeavesAreTold() {
    var pool = PoolStateTests.Driver(servers: 1, limit: 1)
    pool.ask(0)
    pool.ask(1, among: [0])
    pool.ask(2)
    pool.note(pool.state.remove(0))
    #expect(pool.failed.keys.sorted() == [1])
    #expect(pool.failed[1]?.code == "replica-left" && pool.failed[1]?.isFatal == false)
    pool.ask(3, among: [0])
    #expect(pool.failed.keys.sorted() == [1, 3])
    pool.note(pool.state.add(now: pool.now))
    #expect(pool.lease(of: 2)?.server == 1)
  }

  /// The number of one that left is nobody else's, so what ends late is its own.
  @Test func numbersAreNotGivenAgain() {
    var pool = PoolStateTests.Driver(servers: 1, limit: 1)
    pool.ask(0)
    pool.note(pool.state.remove(0))
    pool.note(pool.state.add(now: pool.now))
    pool.ask(1)
    pool.end(0, .answered)
    pool.ask(2)
    #expect(pool.servers(0..<3) == [0, 1, nil])
  }

  @Test func aServerIsAskedOnlyAsWhatItIsProvenToServe() {
    var pool = PoolStateTests.Driver(servers: 2, limit: 4, wantsProof: true)
    pool.ask(0, as: [])
    pool.ask(1, as: Self.lox)
    #expect(pool.servers(0..<2) == [nil, nil])
    pool.prove(1, as: [])
    #expect(pool.servers(0..<2) == [1, nil])
    pool.prove(0, as: Self.lox)
    #expect(pool.servers(0..<2) == [1, 0])
    // Probes are what proves it.
    pool.ask(2, among: [0])
    #expect(pool.lease(of: 2)?.server == 0)
  }

  @Test func whatIsRevokedHasToBeProvenAgain() {
    var pool = PoolStateTests.Driver(servers: 1, limit: 4, wantsProof: true)
    for variant in [[], Self.lox] { pool.prove(0, as: variant) }
    pool.state.disprove(0, as: Self.lox)
    pool.ask(0, as: Self.lox)
    pool.ask(1, as: [])
    #expect(pool.servers(0..<2) == [nil, 0])
    pool.state.revoke(0)
    pool.ask(2, as: [])
    #expect(pool.lease(of: 2) == nil)
    pool.prove(0, as: [])
    #expect(pool.servers(0..<3) == [nil, 0, 0])
  }

  /// The only one that may be asked is not avoided in favour of one that may not.
  @Test func oneThatIsNotProvenIsNoAlternative() {
    var pool = PoolStateTests.Driver(servers: 2, limit: 4, wantsProof: true)
    pool.prove(0, as: [])
    pool.ask(0, avoiding: 0, as: [])
    #expect(pool.lease(of: 0)?.server == 0)
    pool.prove(1, as: [])
    pool.ask(1, avoiding: 0, as: [])
    #expect(pool.lease(of: 1)?.server == 1)
  }

  /// Servers that join and leave at random: no request is lost, and none goes to one that has left or is
  /// not proven.
  @Test(arguments: 1...30 as ClosedRange<UInt64>) func anyOrderKeepsTheBooks(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var state = PoolState(
      servers: 1, limit: 2, retries: RetryPolicy(maxRetries: 2), wantsProof: true, seed: seed)
    var (now, asked, servers) = (Duration.zero, 0, 1)
    var (gone, proven): (Set<Int>, Set<Int>) = ([], [])
    var waiting: Set<ContinuationID> = []
    var leases: [PoolState.Lease] = []
    var faults: [String] = []
    func perform(_ actions: [PoolState.Action]) {
      for action in actions {
        switch action {
        case .grant(let id, let lease):
          if waiting.remove(id) == nil { faults.append("granted twice") }
          if gone.contains(lease.server) { faults.append("granted one that left") }
          if !proven.contains(lease.server) { faults.append("granted one that is not proven") }
          leases.append(lease)
        case .fail(let id, _):
          if waiting.remove(id) == nil { faults.append("failed twice") }
        case .wake, .tellPause: break
        }
      }
    }
    for _ in 0..<300 {
      now += .milliseconds(Int.random(in: 0...300, using: &random))
      let server = Int.random(in: 0..<servers, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0...3:
        asked += 1
        waiting.insert(ContinuationID(asked))
        perform(
          state.request(
            ContinuationID(asked), among: asked % 3 == 0 ? [server] : nil,
            avoiding: asked % 4 == 0 ? server : nil, as: [], now: now))
      case 4...5:
        guard let index = leases.indices.randomElement(using: &random) else { continue }
        perform(
          state.release(
            leases.remove(at: index), Bool.random(using: &random) ? .answered : .unreachable,
            now: now))
      case 6:
        servers += 1
        perform(state.add(now: now))
      case 7:
        if gone.insert(server).inserted { perform(state.remove(server)) }
      case 8:
        proven.insert(server)
        perform(state.prove(server, as: [], now: now))
      default:
        proven.remove(server)
        state.revoke(server)
      }
      if state.waiting != waiting.count { faults.append("\(state.waiting) wait") }
    }
    perform(state.close(.cancelled))
    #expect(waiting.isEmpty && faults.isEmpty, "\(faults.prefix(3))")
  }
}
