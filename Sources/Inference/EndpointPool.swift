package import ModelAccess
import Synchronization

/// The servers that a client spreads its requests over, and how much each can bear.
///
/// A request goes to the least loaded server that is not paused. One that says 429, or cannot be
/// reached, is paused for as long as it asks or for a doubling, jittered time; under 429 it also gets
/// half as many requests at a time, and one more after each round of answers (additive increase,
/// multiplicative decrease). Requests that find no server wait in order; once every server they may go
/// to was paused more often in a row than a request is retried, they fail together.
package final class EndpointPool: Sendable {
  /// One request's claim on a server, to be given back with what came of it.
  struct Lease: Sendable {
    let index: Int
    let endpoint: Endpoint
    fileprivate let startedAt: ContinuousClock.Instant
  }

  /// What a request tells of its server's load.
  enum Outcome: Sendable {
    /// It works; whether it liked the request is another matter.
    case answered
    /// 429, or 503 with a time to come back.
    case overloaded(retryAfter: String?)
    /// The connection failed.
    case unreachable
    /// Nothing to learn: the request failed by itself or was cancelled.
    case unknown
  }

  fileprivate struct Load {
    var inFlight = 0
    var limit: Int
    /// Answers since the limit last changed.
    var answers = 0
    /// Pauses since it last answered.
    var pauses = 0
    var pausedAt: ContinuousClock.Instant?
    var pausedUntil: ContinuousClock.Instant?
    /// Being started; requests wait until it is ready.
    var isSuspended = false
  }

  fileprivate struct Waiter {
    let id: UInt64
    let among: [Int]?
    let continuation: CheckedContinuation<Result<Lease, ChatFailure>, Never>
  }

  fileprivate struct State {
    var loads: [Load]
    var waiters: [Waiter] = []
    var nextID: UInt64 = 0
    /// Why no request can be answered any more.
    var failure: ChatFailure?
  }

  package let endpoints: [Endpoint]
  /// Requests at a time that each server may get.
  package let limit: Int
  private let retries: RetryPolicy
  private let onPause: @Sendable (Endpoint, _ seconds: Double) -> Void
  private let state: Mutex<State>

  /// - Parameters:
  ///   - endpoints: at least one.
  ///   - limit: requests at a time for each, where it bears them.
  ///   - onPause: told when an overloaded server is left alone for a while.
  package init(
    _ endpoints: [Endpoint], limit: Int, retries: RetryPolicy,
    onPause: @escaping @Sendable (Endpoint, _ seconds: Double) -> Void = { _, _ in }
  ) {
    precondition(!endpoints.isEmpty && limit >= 1)
    self.endpoints = endpoints
    self.limit = limit
    self.retries = retries
    self.onPause = onPause
    state = Mutex(State(loads: endpoints.map { _ in Load(limit: limit) }))
  }

  /// Waits for a server.
  ///
  /// - Parameters:
  ///   - among: indices of the servers that will do; nil for all.
  ///   - avoided: one that could not be reached; another is taken where there is one. It has nothing
  ///     under way, and would be the least loaded again as soon as its pause is over.
  func acquire(
    among: [Int]? = nil, avoiding avoided: Int? = nil
  ) async throws(ChatFailure) -> Lease {
    let others = avoided.map { avoided in
      (among ?? Array(endpoints.indices)).filter { $0 != avoided }
    }
    let among = others?.isEmpty == false ? others : among
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let result: Result<Lease, ChatFailure> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        state.withLock {
          $0.waiters.append(Waiter(id: id, among: among, continuation: continuation))
        }
        // Cancelled before it stood in the queue, where nobody would have found it.
        if Task.isCancelled { cancel(id) } else { serve() }
      }
    } onCancel: {
      cancel(id)
    }
    return try result.get()
  }

  func release(_ lease: Lease, _ outcome: Outcome) {
    let now = ContinuousClock.now
    let pause: Double? = state.withLock { state in
      state.loads[lease.index].inFlight -= 1
      switch outcome {
      case .answered:
        state.loads[lease.index].noteAnswer(upTo: limit)
        return nil
      case .overloaded(let retryAfter):
        // Requests that were under way when it was last paused tell nothing new.
        guard state.loads[lease.index].isNews(lease) else { return nil }
        let load = state.loads[lease.index]
        state.loads[lease.index].limit = max(1, min(load.limit, load.inFlight + 1) / 2)
        state.loads[lease.index].answers = 0
        return state.loads[lease.index].pause(retries, retryAfter: retryAfter, now: now)
      case .unreachable:
        guard state.loads[lease.index].isNews(lease) else { return nil }
        return state.loads[lease.index].pause(retries, retryAfter: nil, now: now)
      case .unknown:
        return nil
      }
    }
    if case .overloaded = outcome, let pause {
      if pause >= 1 { onPause(lease.endpoint, pause) }
      failExhausted()
    }
    serve()
    guard let pause else { return }
    Task { [weak self] in
      try? await Task.sleep(for: .seconds(pause) + .milliseconds(1))
      self?.serve()
    }
  }

  /// Whether a server said that it is overloaded more often in a row than a request is retried.
  func isExhausted(_ index: Int) -> Bool {
    state.withLock { $0.loads[index].pauses > retries.maxRetries }
  }

  /// Fails the requests that wait for nothing but exhausted servers.
  private func failExhausted() {
    let failed = state.withLock { state -> [Waiter] in
      let exhausted = state.loads.map { $0.pauses > retries.maxRetries && $0.pausedUntil != nil }
      let isHopeless = { (waiter: Waiter) in
        (waiter.among ?? Array(exhausted.indices)).allSatisfy { exhausted[$0] }
      }
      defer { state.waiters.removeAll(where: isHopeless) }
      return state.waiters.filter(isHopeless)
    }
    let failure = ChatFailure(
      code: .http(429),
      message:
        "the server answered \(retries.maxRetries + 1) times in a row that it is overloaded; "
        + "lower --max-connections, or wait and continue with --resume",
      attempts: 0, latencyMilliseconds: 0, isFatal: false)
    for waiter in failed { waiter.continuation.resume(returning: .failure(failure)) }
  }

  /// How many requests at a time each server gets now.
  var limits: [Int] { state.withLock { $0.loads.map(\.limit) } }

  /// Keeps requests from a server until `resume`: it is being started again.
  package func suspend(_ index: Int) { state.withLock { $0.loads[index].isSuspended = true } }

  package func resume(_ index: Int) {
    state.withLock { state in
      state.loads[index].isSuspended = false
      state.loads[index].pausedUntil = nil
      state.loads[index].pauses = 0
    }
    serve()
  }

  /// Lets every request fail from now on, those that wait included.
  package func close(_ failure: ChatFailure) {
    let waiters = state.withLock { state in
      state.failure = failure
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume(returning: .failure(failure)) }
  }

  private func cancel(_ id: UInt64) {
    let waiter = state.withLock { state in
      state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
    }
    waiter?.continuation.resume(returning: .failure(.cancelled))
  }

  /// Gives free servers to those who wait, in order.
  private func serve() {
    let now = ContinuousClock.now
    let served = state.withLock { state -> [(Waiter, Result<Lease, ChatFailure>)] in
      var served: [(Waiter, Result<Lease, ChatFailure>)] = []
      if let failure = state.failure {
        served = state.waiters.map { ($0, .failure(failure)) }
        state.waiters = []
        return served
      }
      var index = 0
      while index < state.waiters.count {
        guard let best = state.leastLoaded(among: state.waiters[index].among, now: now) else {
          index += 1
          continue
        }
        state.loads[best].inFlight += 1
        let lease = Lease(index: best, endpoint: endpoints[best], startedAt: now)
        served.append((state.waiters.remove(at: index), .success(lease)))
      }
      return served
    }
    for (waiter, result) in served { waiter.continuation.resume(returning: result) }
  }
}

extension EndpointPool.State {
  fileprivate func leastLoaded(among: [Int]?, now: ContinuousClock.Instant) -> Int? {
    var best: Int?
    for index in among ?? Array(loads.indices) where loads[index].isFree(now) {
      if let other = best, loads[other].share <= loads[index].share { continue }
      best = index
    }
    return best
  }
}

extension EndpointPool.Load {
  fileprivate func isFree(_ now: ContinuousClock.Instant) -> Bool {
    !isSuspended && inFlight < limit && (pausedUntil.map { $0 <= now } ?? true)
  }

  /// How full it is, from 0 to 1.
  fileprivate var share: Double { Double(inFlight) / Double(limit) }

  fileprivate func isNews(_ lease: EndpointPool.Lease) -> Bool {
    pausedAt.map { lease.startedAt > $0 } ?? true
  }

  fileprivate mutating func noteAnswer(upTo maximum: Int) {
    pauses = 0
    answers += 1
    if answers >= limit && limit < maximum {
      limit += 1
      answers = 0
    }
  }

  /// Begins a pause and returns its length in seconds.
  fileprivate mutating func pause(
    _ retries: RetryPolicy, retryAfter: String?, now: ContinuousClock.Instant
  ) -> Double {
    let seconds = retries.delay(retry: pauses, retryAfter: retryAfter)
    pauses += 1
    pausedAt = now
    pausedUntil = now + .seconds(seconds)
    return seconds
  }
}

extension ChatFailure {
  /// The run was interrupted: no result of any kind.
  static let cancelled = ChatFailure(
    code: "cancelled", message: "the request was cancelled", attempts: 0, latencyMilliseconds: 0,
    isFatal: false)
}
