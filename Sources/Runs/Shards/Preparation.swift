package import Foundation
import Support

/// What a shard that makes its attacks has left to do, as it last said: `preparing.json` in its folder.
package struct Preparation: Codable, Hashable, Sendable {
  /// When it was written (ISO 8601).
  package var at: String
  /// Of trainings and replies together.
  package var secondsLeft: Double
  /// Trainings that are not done.
  package var trainings: Int

  enum CodingKeys: String, CodingKey {
    case at, trainings
    case secondsLeft = "seconds_left"
  }

  package init(secondsLeft: Double, trainings: Int, at: Date = .now) {
    self.at = at.formatted(.iso8601)
    self.secondsLeft = secondsLeft
    self.trainings = trainings
  }

  private static let fileName = "preparing.json"

  /// - Parameter workspace: the shard's folder.
  package func write(in workspace: URL) throws {
    try AtomicFile.write(
      try StableJSON.encodePretty(self), to: workspace.appending(path: Self.fileName))
  }

  /// What one session said; nil where it said nothing yet.
  ///
  /// - Parameter begun: when the session began.
  static func read(in workspace: URL, since begun: String) -> Preparation? {
    guard
      let data = try? InputFile(workspace.appending(path: fileName), .records).body,
      let found = try? JSONDecoder().decode(Preparation.self, from: data),
      let at = try? Date(found.at, strategy: .iso8601),
      let start = try? Date(begun, strategy: .iso8601), at >= start,
      found.secondsLeft.isFinite, found.secondsLeft >= 0
    else { return nil }
    return found
  }
}
