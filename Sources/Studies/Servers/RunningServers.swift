package import Inference
import ModelAccess

/// Servers that run already, replicas of each other, and take a study's updates in one dialect or
/// another.
package struct RunningServers: ServerSource {
  package var endpoints: [Endpoint]
  package var dialect: DialectChoice
  package var connection: ServerConnection

  /// - Parameter endpoints: at least one.
  package init(endpoints: [Endpoint], dialect: DialectChoice, connection: ServerConnection) {
    self.endpoints = endpoints
    self.dialect = dialect
    self.connection = connection
  }

  /// Servers that none of their adapters is known of are taken to need them.
  package var takesCheckpoints: Bool { dialect == .plain }

  package func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    let opening = await ServerOpening(models, connection, in: scope, events: events)
    let probes = try await opening.readyProbes(endpoints)
    let dialect = try await dialect.spoken(by: probes[0])
    let files = try await dialect.writeFiles(opening)
    return try await opening.prove(
      try await dialect.open(probes, opening.pool(probes.map(\.endpoint)), files: files, opening))
  }
}
