/// Where code that waits reads the time and sleeps: the system's clock, or a test's own.
///
/// Times are durations since a moment that stays the same for one source and means nothing by itself.
package protocol TimeSource: Sendable {
  var now: Duration { get }

  /// Returns when so much time has passed; throws `CancellationError` at once where the task is
  /// cancelled.
  func sleep(for duration: Duration) async throws
}

/// The system's clock, which goes on while the machine sleeps.
package struct SystemTime: TimeSource {
  private static let origin = ContinuousClock.now

  package init() {}

  package var now: Duration { ContinuousClock.now - Self.origin }

  package func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}
