import ModelAccess

/// Servers that stand ready for a run.
struct StudyServer: Sendable {
  /// What answers, for the manifest: a run is continued only with the same.
  let description: String
  /// What answers and its build, for the cache.
  let build: String
  /// The name of the bare model there.
  let modelName: String
  let model: any ChatCompleting
  /// What a model answered to the identity probe; empty where its weights are this process's own.
  var identity: @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> String = { _ in "" }
  /// Ends what was started for the run.
  let stop: @Sendable () async -> Void
}

/// Which servers answer a run's requests.
package enum ServerChoice: Sendable {
  /// In this process.
  case embedded
  case external(ExternalServers)

  /// Starts or finds the servers for a study.
  func start(
    _ study: ServedStudy, events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> StudyServer {
    switch self {
    case .embedded:
      events(.step("starting the server"))
      return try await EmbeddedServer(study).studyServer
    case .external(let servers):
      return try await servers.start(study, events: events)
    }
  }
}
