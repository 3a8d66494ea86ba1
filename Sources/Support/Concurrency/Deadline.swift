/// When work is to be left for a later start.
package struct Deadline: Sendable {
  private let time: any TimeSource
  private let end: Duration

  /// - Parameter length: from now on.
  package init(after length: Duration, by time: any TimeSource = SystemTime()) {
    self.time = time
    end = time.now + length
  }

  package var hasPassed: Bool { time.now >= end }
}
