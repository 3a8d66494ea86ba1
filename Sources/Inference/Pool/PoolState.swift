import ModelAccess
import Support

/// Which request may go to which server: `EndpointPool` without its lock, clock and continuations.
///
/// Whatever happens is told with its time and answered with actions for the owner to do. Nothing here
/// waits, so that each rule can be tested as a table of events. Servers are numbered, and a number
/// is never given to another one.
struct PoolState {
  /// One request's claim on a server.
  struct Lease: Hashable, Sendable {
    /// The server's number.
    let server: Int
    let grantedAt: Duration
  }

  /// What a request tells of its server's load.
  enum Outcome: Hashable, Sendable {
    /// It works; whether it liked the request is another matter.
    case answered
    /// 429, or 503 with a time to come back; with the seconds it asks for and what it says.
    case overloaded(secondsAsked: Double?, said: String? = nil)
    /// The connection failed.
    case unreachable
    /// Nothing to learn: the request failed by itself or was cancelled.
    case unknown
  }

  /// What is to be done, in this order.
  enum Action: Hashable, Sendable {
    case grant(ContinuationID, Lease)
    case fail(ContinuationID, ChatFailure)
    /// Call `wake` when it is so late.
    case wake(at: Duration)
    /// An overloaded server is left alone for a while that is worth a word.
    case tellPause(server: Int, seconds: Double)
  }

  private struct Waiter {
    let id: ContinuationID
    /// Numbers of the servers that will do.
    let among: [Int]
  }

  private let maximum: Int
  private let retries: RetryPolicy
  private var generator: SplitMix64
  private var loads: [ServerLoad]
  private var waiters: [Waiter] = []
  /// What an overloaded server said last.
  private var lastWords: String?
  /// Why no request can be answered any more.
  private var failure: ChatFailure?

  /// - Parameters:
  ///   - servers: how many.
  ///   - limit: requests at a time for each, where it bears them.
  ///   - seed: of the jitter.
  init(servers: Int, limit: Int, retries: RetryPolicy, seed: UInt64) {
    maximum = limit
    self.retries = retries
    generator = SplitMix64(seed: seed)
    loads = Array(repeating: ServerLoad(limit: limit), count: servers)
  }

  /// How many requests at a time each server gets now.
  var limits: [Int] { loads.map(\.limit) }

  /// How many requests wait.
  var waiting: Int { waiters.count }

  /// Whether a server said that it is overloaded so often in a row, and for so long, that waiting is
  /// given up.
  func isExhausted(_ server: Int, now: Duration) -> Bool {
    let load = loads[server]
    return retries.isGivenUp(refusals: load.pauses, for: now - (load.firstPausedAt ?? now))
  }

  // MARK: - Events

  /// A request wants a server.
  ///
  /// - Parameters:
  ///   - among: numbers of the servers that will do; nil for all.
  ///   - avoided: one that could not be reached; another is taken where there is one. It has nothing
  ///     under way, and would be the least loaded again as soon as its pause is over.
  mutating func request(
    _ id: ContinuationID, among: [Int]?, avoiding avoided: Int?, now: Duration
  ) -> [Action] {
    let wanted = among ?? Array(loads.indices)
    let others = wanted.filter { $0 != avoided }
    waiters.append(Waiter(id: id, among: others.isEmpty ? wanted : others))
    return serve(now)
  }

  /// A request is over.
  mutating func release(_ lease: Lease, _ outcome: Outcome, now: Duration) -> [Action] {
    var actions: [Action] = []
    loads[lease.server].inFlight -= 1
    switch outcome {
    case .answered:
      loads[lease.server].noteAnswer(upTo: maximum)
    case .overloaded(let asked, let said) where loads[lease.server].isNews(lease):
      loads[lease.server].halve()
      lastWords = said ?? lastWords
      let seconds = pause(lease.server, asked: asked, now: now)
      if seconds >= 1 { actions.append(.tellPause(server: lease.server, seconds: seconds)) }
      actions += failHopeless(now)
      actions.append(.wake(at: now + .seconds(seconds)))
    case .unreachable where loads[lease.server].isNews(lease):
      let seconds = pause(lease.server, asked: nil, now: now)
      actions.append(.wake(at: now + .seconds(seconds)))
    case .overloaded, .unreachable, .unknown:
      break
    }
    return actions + serve(now)
  }

  /// It is as late as a `wake` asked for.
  mutating func wake(now: Duration) -> [Action] { serve(now) }

  /// A request does not want a server any more.
  mutating func cancel(_ id: ContinuationID) -> [Action] {
    guard let index = waiters.firstIndex(where: { $0.id == id }) else { return [] }
    waiters.remove(at: index)
    return [.fail(id, .cancelled)]
  }

  /// A server is being started again.
  mutating func suspend(_ server: Int) { loads[server].isSuspended = true }

  /// A server is ready, and what it did before counts no more.
  mutating func resume(_ server: Int, now: Duration) -> [Action] {
    loads[server].isSuspended = false
    loads[server].pausedUntil = nil
    loads[server].pauses = 0
    loads[server].firstPausedAt = nil
    return serve(now)
  }

  /// No request can be answered from now on.
  mutating func close(_ failure: ChatFailure) -> [Action] {
    self.failure = failure
    return failAll(failure)
  }

  // MARK: - Rules

  /// Begins a pause and returns its length in seconds.
  private mutating func pause(_ server: Int, asked: Double?, now: Duration) -> Double {
    let seconds = retries.delay(retry: loads[server].pauses, asked: asked, using: &generator)
    loads[server].pauses += 1
    loads[server].firstPausedAt = loads[server].firstPausedAt ?? now
    loads[server].pausedAt = now
    loads[server].pausedUntil = now + .seconds(seconds)
    return seconds
  }

  /// Gives free servers to those who wait, in order.
  private mutating func serve(_ now: Duration) -> [Action] {
    if let failure { return failAll(failure) }
    guard !waiters.isEmpty, loads.contains(where: { $0.isFree(now) }) else { return [] }
    var actions: [Action] = []
    var left: [Waiter] = []
    for waiter in waiters {
      guard let server = leastLoaded(among: waiter.among, now: now) else {
        left.append(waiter)
        continue
      }
      loads[server].inFlight += 1
      actions.append(.grant(waiter.id, Lease(server: server, grantedAt: now)))
    }
    waiters = left
    return actions
  }

  private func leastLoaded(among servers: [Int], now: Duration) -> Int? {
    var best: Int?
    for server in servers where loads[server].isFree(now) {
      if let other = best, loads[other].share <= loads[server].share { continue }
      best = server
    }
    return best
  }

  /// Fails the requests that wait for nothing but exhausted servers.
  private mutating func failHopeless(_ now: Duration) -> [Action] {
    let exhausted = loads.indices.map { isExhausted($0, now: now) && loads[$0].pausedUntil != nil }
    let failure = ChatFailure(
      code: .http(429),
      message:
        "the server went on saying that it is overloaded; lower --max-connections, or wait and "
        + "continue with --resume" + (lastWords.map { " (\($0))" } ?? ""),
      attempts: 0, latencyMilliseconds: 0, isFatal: false)
    var actions: [Action] = []
    waiters.removeAll { waiter in
      guard waiter.among.allSatisfy({ exhausted[$0] }) else { return false }
      actions.append(.fail(waiter.id, failure))
      return true
    }
    return actions
  }

  private mutating func failAll(_ failure: ChatFailure) -> [Action] {
    defer { waiters = [] }
    return waiters.map { .fail($0.id, failure) }
  }
}

/// How much one server bears, and how much it has.
private struct ServerLoad {
  var inFlight = 0
  var limit: Int
  /// Answers since the limit last changed.
  var answers = 0
  /// Pauses since it last answered.
  var pauses = 0
  var firstPausedAt: Duration?
  var pausedAt: Duration?
  var pausedUntil: Duration?
  /// Being started; requests wait until it is ready.
  var isSuspended = false

  init(limit: Int) { self.limit = limit }

  func isFree(_ now: Duration) -> Bool {
    !isSuspended && inFlight < limit && (pausedUntil.map { $0 <= now } ?? true)
  }

  /// How full it is, from 0 to 1.
  var share: Double { Double(inFlight) / Double(limit) }

  /// Requests that were under way when it was last paused tell nothing new.
  func isNews(_ lease: PoolState.Lease) -> Bool { pausedAt.map { lease.grantedAt > $0 } ?? true }

  mutating func noteAnswer(upTo maximum: Int) {
    pauses = 0
    firstPausedAt = nil
    answers += 1
    if answers >= limit && limit < maximum {
      limit += 1
      answers = 0
    }
  }

  /// Half as many requests at a time as it just had.
  mutating func halve() {
    limit = max(1, min(limit, inFlight + 1) / 2)
    answers = 0
  }
}
