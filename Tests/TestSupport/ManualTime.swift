import Support
import Synchronization

/// Time that stands still until a test moves it.
package final class ManualTime: TimeSource {
  private struct Sleeper {
    let end: Duration
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var now: Duration = .zero
    var sleepers: [ContinuationID: Sleeper] = [:]
    var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  package init() {}

  package var now: Duration { state.withLock { $0.now } }

  /// When the first of those that sleep wakes; nil where none sleeps.
  package var nextEnd: Duration? { state.withLock { $0.sleepers.values.map(\.end).min() } }

  package func sleep(for duration: Duration) async throws {
    guard duration > .zero else { return try Task.checkCancellation() }
    let isOver = await withIdentifiedContinuation(returning: Bool.self) { id, continuation in
      let watchers = state.withLock { state in
        state.sleepers[id] = Sleeper(end: state.now + duration, continuation: continuation)
        let count = state.sleepers.count
        defer { state.watchers.removeAll { $0.count <= count } }
        return state.watchers.filter { $0.count <= count }
      }
      for watcher in watchers { watcher.continuation.resume() }
    } onCancel: { id in
      state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(returning: false)
    }
    if !isOver { throw CancellationError() }
  }

  /// Lets time pass, and whoever has slept enough wake up.
  package func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.now += duration
      let over = state.sleepers.filter { $0.value.end <= state.now }
      for id in over.keys { state.sleepers[id] = nil }
      return over.values.sorted { $0.end < $1.end }
    }
    for sleeper in woken { sleeper.continuation.resume(returning: true) }
  }

  /// Returns when at least so many sleep.
  package func waitForSleepers(_ count: Int = 1) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.sleepers.count >= count { return true }
        state.watchers.append((count, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }
}

/// Time on which each sleep takes its whole length and is over at once.
package final class HurriedTime: TimeSource {
  private let elapsed = Mutex(Duration.zero)

  package init() {}

  package var now: Duration { elapsed.withLock { $0 } }

  package func sleep(for duration: Duration) async throws {
    try Task.checkCancellation()
    elapsed.withLock { $0 += max(.zero, duration) }
    await Task.yield()
  }
}
