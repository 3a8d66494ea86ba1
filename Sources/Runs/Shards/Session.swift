import Foundation

/// One process's work on a run: where it ran, and what computed and answered there.
package struct Session: Codable, Hashable, Sendable {
  /// The part of the study that it did; nil where it did all of it.
  package var shard: Int?
  package var host: String
  package var process: Int
  /// The command, the release, when it began, and what computed.
  package var environment: RunManifest.Environment
  /// What answered; nil where the session did not come so far.
  package var server: String?
  /// When it began to ask (ISO 8601), and how many samples there were then; nil where it did not come so far.
  package var asking: String?
  package var samplesBefore: Int?

  enum CodingKeys: String, CodingKey {
    case shard, host, process, environment, server, asking
    case samplesBefore = "samples_before"
  }

  package init(shard: Int?, host: String, process: Int, environment: RunManifest.Environment) {
    self.shard = shard
    self.host = host
    self.process = process
    self.environment = environment
  }

  /// This process's.
  package static func here(shard: Int?, _ environment: RunManifest.Environment) -> Session {
    Session(
      shard: shard, host: ProcessInfo.processInfo.hostName,
      process: Int(ProcessInfo.processInfo.processIdentifier), environment: environment)
  }

  /// Who it is, for people.
  package var holder: String { "process \(process) on \(host)" }

  /// What decides the last bits of what a session computes: two with equal ones compute the same.
  package var processor: String {
    [
      environment.instructions, environment.blas, "\(environment.threads) threads",
      "loxeval \(environment.version)",
    ].joined(separator: ", ")
  }
}
