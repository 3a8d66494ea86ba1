import Foundation
package import ModelAccess
package import Support
import Synchronization

/// The servers that a client spreads its requests over, and how much each can bear.
///
/// A request goes to the least loaded server that is not paused. One that says 429, or cannot be
/// reached, is paused for as long as it asks or for a doubling, jittered time; under 429 it also gets
/// half as many requests at a time, and one more after each round of answers (additive increase,
/// multiplicative decrease). Requests that find no server wait in order; once every server they may go
/// to has been paused for too long without an answer, they fail together.
///
/// The rules are `PoolState`'s. This holds its lock, the suspended requests and the timers.
package final class EndpointPool: Sendable {
  typealias Lease = PoolState.Lease
  typealias Outcome = PoolState.Outcome
  private typealias Waiting = CheckedContinuation<Result<Lease, ChatFailure>, Never>

  private struct Guarded {
    var endpoints: [Endpoint]
    var rules: PoolState
    var continuations: [ContinuationID: Waiting] = [:]
  }

  /// Requests at a time that each server may get.
  package let limit: Int
  /// What pauses are measured by, and what the pool's client waits by.
  package let time: any TimeSource
  private let onPause: @Sendable (Endpoint, _ seconds: Double) -> Void
  private let state: Mutex<Guarded>

  /// - Parameters:
  ///   - endpoints: those that are there from the start.
  ///   - limit: requests at a time for each, where it bears them.
  ///   - wantsProof: whether a server is asked as a model only once `prove` says that it serves it.
  ///   - onPause: told when an overloaded server is left alone for a while.
  package init(
    _ endpoints: [Endpoint], limit: Int, retries: RetryPolicy, wantsProof: Bool = false,
    time: any TimeSource = SystemTime(),
    onPause: @escaping @Sendable (Endpoint, _ seconds: Double) -> Void = { _, _ in }
  ) {
    precondition(limit >= 1)
    self.limit = limit
    self.time = time
    self.onPause = onPause
    state = Mutex(
      Guarded(
        endpoints: endpoints,
        rules: PoolState(
          servers: endpoints.count, limit: limit, retries: retries, wantsProof: wantsProof,
          seed: .random(in: .min ... .max))))
  }

  /// By their numbers, those that have left included.
  package var endpoints: [Endpoint] { state.withLock { $0.endpoints } }

  package func endpoint(_ server: Int) -> Endpoint { state.withLock { $0.endpoints[server] } }

  /// Waits for a server.
  ///
  /// - Parameters:
  ///   - among: numbers of the servers that will do; nil for all, those that join later included.
  ///   - avoided: one that could not be reached; another is taken where there is one.
  ///   - variant: which model is asked; nil for a probe, which goes to servers that are not proven yet.
  func acquire(
    among: [Int]? = nil, avoiding avoided: Int? = nil, as variant: [ScaledUpdate]? = nil
  ) async throws(ChatFailure) -> Lease {
    if Task.isCancelled { throw .cancelled }
    let result = await withIdentifiedContinuation(returning: Result<Lease, ChatFailure>.self) {
      id, continuation in
      apply { guarded, now in
        guarded.continuations[id] = continuation
        return guarded.rules.request(
          id, among: among, avoiding: avoided, as: variant, now: now)
      }
    } onCancel: { id in
      apply { guarded, _ in guarded.rules.cancel(id) }
    }
    return try result.get()
  }

  func release(_ lease: Lease, _ outcome: Outcome) {
    apply { guarded, now in guarded.rules.release(lease, outcome, now: now) }
  }

  /// Whether a server said that it is overloaded so often in a row, and for so long, that waiting is
  /// given up.
  func isExhausted(_ server: Int) -> Bool {
    state.withLock { $0.rules.isExhausted(server, now: time.now) }
  }

  /// How many requests at a time each server gets now.
  var limits: [Int] { state.withLock { $0.rules.limits } }

  /// How many requests wait for a server.
  var waiting: Int { state.withLock { $0.rules.waiting } }

  /// Keeps requests from a server until `resume`: it is being started again.
  package func suspend(_ server: Int) { state.withLock { $0.rules.suspend(server) } }

  package func resume(_ server: Int) {
    apply { guarded, now in guarded.rules.resume(server, now: now) }
  }

  /// Takes a further server and returns its number.
  func add(_ endpoint: Endpoint) -> Int {
    var number = 0
    apply { guarded, now in
      number = guarded.endpoints.count
      guarded.endpoints.append(endpoint)
      return guarded.rules.add(now: now)
    }
    return number
  }

  /// Keeps the base that a server's address turned out to mean.
  func locate(_ server: Int, _ endpoint: Endpoint) {
    state.withLock { $0.endpoints[server] = endpoint }
  }

  /// Gives a server no further request.
  func remove(_ server: Int) { apply { guarded, _ in guarded.rules.remove(server) } }

  /// Lets a server be asked as a model that it was shown to serve.
  func prove(_ server: Int, as variant: [ScaledUpdate]) {
    apply { guarded, now in guarded.rules.prove(server, as: variant, now: now) }
  }

  /// A server serves a model no more.
  func disprove(_ server: Int, as variant: [ScaledUpdate]) {
    state.withLock { $0.rules.disprove(server, as: variant) }
  }

  /// Keeps requests from a server until it is proven again.
  func revoke(_ server: Int) { state.withLock { $0.rules.revoke(server) } }

  /// Lets every request fail from now on, those that wait included.
  package func close(_ failure: ChatFailure) {
    apply { guarded, _ in guarded.rules.close(failure) }
  }

  /// Tells the rules of an event and does what they say; what reaches other code is done without the
  /// lock.
  private func apply(_ event: (inout Guarded, _ now: Duration) -> [PoolState.Action]) {
    var resumed: [(Waiting, Result<Lease, ChatFailure>)] = []
    var others: [PoolState.Action] = []
    state.withLock { guarded in
      // Read under the lock, so that events come in the order of their times.
      for action in event(&guarded, time.now) {
        switch action {
        case .grant(let id, let lease):
          if let waiting = guarded.continuations.removeValue(forKey: id) {
            resumed.append((waiting, .success(lease)))
          }
        case .fail(let id, let failure):
          if let waiting = guarded.continuations.removeValue(forKey: id) {
            resumed.append((waiting, .failure(failure)))
          }
        case .wake, .tellPause:
          others.append(action)
        }
      }
    }
    for (waiting, result) in resumed { waiting.resume(returning: result) }
    for action in others {
      switch action {
      case .wake(let moment): wake(at: moment)
      case .tellPause(let server, let seconds): onPause(endpoint(server), seconds)
      case .grant, .fail: break
      }
    }
  }

  private func wake(at moment: Duration) {
    Task { [weak self, time] in
      // Counted from now, so that a sleep which ends early by a clock's grain is followed by another.
      while time.now < moment {
        do { try await time.sleep(for: moment - time.now) } catch { return }
      }
      self?.apply { guarded, now in guarded.rules.wake(now: now) }
    }
  }
}

extension ErrorCode {
  /// The one server that was to answer has left the list of servers.
  static let replicaLeft: ErrorCode = "replica-left"
}

extension ChatFailure {
  /// The run was interrupted: no result of any kind.
  static let cancelled = ChatFailure(
    code: .cancelled, message: "the request was cancelled", attempts: 0, latencyMilliseconds: 0,
    isFatal: false)
}
