import Synchronization

/// Tells one suspended task from another: who stores a continuation finds it again by this.
package struct ContinuationID: Hashable, Sendable {
  private static let last = Atomic<Int>(0)

  private let number: Int

  package init(_ number: Int) { self.number = number }

  /// One that no other call gets.
  static func unused() -> ContinuationID {
    ContinuationID(last.add(1, ordering: .relaxed).newValue)
  }
}

/// Suspends the task until the continuation is resumed, and says by its id when the task is cancelled.
///
/// Without the id and the order that this keeps, every queue of waiters would have to handle a task that
/// was cancelled before it stood in the queue, where its cancellation finds nobody.
///
/// - Parameters:
///   - body: stores the continuation, which must be resumed once, whatever happens.
///   - onCancel: told at most once, and never before `body` has returned. Whoever resumes the
///     continuation may have been quicker: an id that is not found any more is none of its business.
package func withIdentifiedContinuation<Value: Sendable>(
  isolation: isolated (any Actor)? = #isolation, returning type: Value.Type = Value.self,
  _ body: (ContinuationID, CheckedContinuation<Value, Never>) -> Void,
  onCancel: @Sendable (ContinuationID) -> Void
) async -> Value {
  let id = ContinuationID.unused()
  let suspension = Suspension()
  return await withTaskCancellationHandler {
    await withCheckedContinuation(isolation: isolation) { continuation in
      body(id, continuation)
      if suspension.settle() { onCancel(id) }
    }
  } onCancel: {
    if suspension.cancel() { onCancel(id) }
  }
}

/// Whether a continuation is stored yet, and whether its task was cancelled before that.
private final class Suspension: Sendable {
  private enum Stage { case storing, stored, cancelled }

  private let stage = Mutex(Stage.storing)

  /// The continuation is stored; true where the cancellation came first and has yet to be told.
  func settle() -> Bool {
    stage.withLock { stage in
      defer { stage = .stored }
      return stage == .cancelled
    }
  }

  /// Whether the cancellation can be told now.
  func cancel() -> Bool {
    stage.withLock { stage in
      if stage == .stored { return true }
      stage = .cancelled
      return false
    }
  }
}
