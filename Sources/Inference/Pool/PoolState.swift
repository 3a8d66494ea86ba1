import ModelAccess
import Support

/// Which request may go to which server: `EndpointPool` without its lock, clock and continuations.
///
/// Whatever happens is told with its time and answered with actions for the owner to do. Nothing here
/// waits, so that each rule can be tested as a table of events. Servers are numbered, and a number
/// is never given to another one: those that join get further numbers, those that leave keep theirs.
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
    /// Numbers of the servers that will do; nil for all, those that join later included.
    let among: [Int]?
    /// One to pass over where another will do.
    let avoided: Int?
    /// Which model is asked; nil for a probe, which goes to servers that are not proven yet.
    let variant: [ScaledUpdate]?
  }

  private let maximum: Int
  /// Whether servers are asked as a model only once they are proven to serve it.
  private let wantsProof: Bool
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
  ///   - wantsProof: whether a server is asked as a model only after `prove`.
  ///   - seed: of the jitter.
  init(
    servers: Int, limit: Int, retries: RetryPolicy, wantsProof: Bool = false, seed: UInt64
  ) {
    maximum = limit
    self.retries = retries
    self.wantsProof = wantsProof
    generator = SplitMix64(seed: seed)
    loads = Array(
      repeating: ServerLoad(limit: limit, wantsProof: wantsProof), count: servers)
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
  ///   - among: numbers of the servers that will do; nil for all, those that join later included.
  ///   - avoided: one that could not be reached; another is taken where there is one. It has nothing
  ///     under way, and would be the least loaded again as soon as its pause is over.
  ///   - variant: which model is asked; nil for a probe, which no server has to be proven for.
  mutating func request(
    _ id: ContinuationID, among: [Int]?, avoiding avoided: Int?, as variant: [ScaledUpdate]? = nil,
    now: Duration
  ) -> [Action] {
    let waiter = Waiter(id: id, among: among, avoided: avoided, variant: variant)
    if let failure = left(waiter) { return [.fail(id, failure)] }
    waiters.append(waiter)
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

  /// A further server has come; it has the next number.
  mutating func add(now: Duration) -> [Action] {
    loads.append(ServerLoad(limit: maximum, wantsProof: wantsProof))
    return serve(now)
  }

  /// A server has left: it gets no request any more, and those that it has come to their own end.
  mutating func remove(_ server: Int) -> [Action] {
    loads[server].isGone = true
    return failWaiters(waiters.map(left))
  }

  /// A server is shown to serve a model.
  mutating func prove(_ server: Int, as variant: [ScaledUpdate], now: Duration) -> [Action] {
    loads[server].proofs?.insert(variant)
    return serve(now)
  }

  /// A server serves a model no more.
  mutating func disprove(_ server: Int, as variant: [ScaledUpdate]) {
    loads[server].proofs?.remove(variant)
  }

  /// What a server was shown to serve counts no more: it has to be proven again.
  mutating func revoke(_ server: Int) { if wantsProof { loads[server].proofs = [] } }

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
      guard let server = leastLoaded(for: waiter, now: now) else {
        left.append(waiter)
        continue
      }
      loads[server].inFlight += 1
      actions.append(.grant(waiter.id, Lease(server: server, grantedAt: now)))
    }
    waiters = left
    return actions
  }

  /// Numbers of the servers that a request may go to, now or later.
  private func candidates(for waiter: Waiter) -> [Int] {
    let wanted = (waiter.among ?? Array(loads.indices)).filter {
      !loads[$0].isGone && loads[$0].serves(waiter.variant)
    }
    let others = wanted.filter { $0 != waiter.avoided }
    return others.isEmpty ? wanted : others
  }

  /// Why a request cannot be answered any more: all servers that would do have left. One that any server
  /// will do for waits for another.
  private func left(_ waiter: Waiter) -> ChatFailure? {
    guard let among = waiter.among, !among.isEmpty, among.allSatisfy({ loads[$0].isGone }) else {
      return nil
    }
    return ChatFailure(
      code: .replicaLeft, message: "the server has left the list", attempts: 0,
      latencyMilliseconds: 0, isFatal: false)
  }

  private func leastLoaded(for waiter: Waiter, now: Duration) -> Int? {
    var best: Int?
    for server in candidates(for: waiter) where loads[server].isFree(now) {
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
    return failWaiters(
      waiters.map { waiter in
        let candidates = candidates(for: waiter)
        return !candidates.isEmpty && candidates.allSatisfy({ exhausted[$0] }) ? failure : nil
      })
  }

  /// Fails those who wait and have a reason to.
  ///
  /// - Parameter reasons: in their order.
  private mutating func failWaiters(_ reasons: [ChatFailure?]) -> [Action] {
    var actions: [Action] = []
    var others: [Waiter] = []
    for (waiter, reason) in zip(waiters, reasons) {
      if let failure = reason {
        actions.append(.fail(waiter.id, failure))
      } else {
        others.append(waiter)
      }
    }
    waiters = others
    return actions
  }

  private mutating func failAll(_ failure: ChatFailure) -> [Action] {
    defer { waiters = [] }
    return waiters.map { .fail($0.id, failure) }
  }
}
