import Foundation
import Synchronization
import Testing

@testable import Studies

/// The steps that a study tells while it works.
final class Steps: Sendable {
  private let texts = Mutex<[String]>([])

  var all: [String] { texts.withLock { $0 } }

  @Sendable func note(_ event: StudyEvent) {
    if case .step(let text) = event { texts.withLock { $0.append(text) } }
  }

  /// Returns when a step of some kind was told.
  func wait(for holds: (String) -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(20)
    while !all.contains(where: holds) {
      try #require(ContinuousClock.now < end, "\(all)")
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}
