package import Checkpoints
import Inference
import ModelAccess

/// Servers that run already, replicas of each other, and take a study's updates in one dialect or
/// another.
package struct RunningServers: ServerSource {
  package var replicas: Replicas
  package var dialect: DialectChoice
  package var connection: ServerConnection

  package init(replicas: Replicas, dialect: DialectChoice, connection: ServerConnection) {
    self.replicas = replicas
    self.dialect = dialect
    self.connection = connection
  }

  /// Servers that none of their adapters is known of are taken to need them.
  package var takesCheckpoints: Bool { dialect == .plain }

  package func requireServed(
    fullTraining attack: String, of checkpoint: Checkpoint
  ) throws(StudyError) {
    try dialect.named?.requireServed(fullTraining: attack, of: checkpoint)
  }

  package func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    let opening = await ServerOpening(models, connection, in: scope, events: events)
    let found = try await replicas.find(opening.transport, connection, events: events)
    let dialect = try await dialect.spoken(by: found.first)
    let files = try await dialect.writeFiles(opening)
    let spoken = try await dialect.open(
      [found.first], opening.pool([], wantsProof: true), files: files, opening)
    return try await opening.prove(spoken) { client, check, tryOut in
      try await replicas.keep(
        found, client, check, connection, run: models.run, in: scope, events: events, tryOut: tryOut
      ) { probe in
        try await dialect.admit(probe, beside: spoken, files: files, opening)
      }
    }
  }
}
