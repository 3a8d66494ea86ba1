import ChatTemplates
import Checkpoints
import Decoder
import Foundation
import Inference
import LocalServer
import ModelAccess
import Support

/// The embedded server in this process, talked to as any other server.
package struct EmbeddedServer: ServerSource {
  /// Sequences that are continued at a time, whatever the connections.
  private static let mostSlots = 64

  package init() {}

  /// Loads the model, starts the server on a free loopback port, and checks that it serves the
  /// updates it was given.
  package func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    events(.step("starting the server"))
    let name = models.checkpoint.folder.lastPathComponent
    let served = try await runOnOwnThread(named: "loxeval-load") {
      try ServedModel(
        folder: models.checkpoint, name: name,
        updates: models.updates.all.map {
          (ServedModel.Adapter(name: $0.name.text, defaultScale: 0), $0.update)
        }, chatFormat: models.chatFormat,
        options: InferenceEngine.Options(
          slots: max(1, min(models.connections, Self.mostSlots)), threads: models.threads))
    }
    let server = LocalServer(served, version: models.version)
    await scope.onClose { await server.stop() }
    let url = try await server.start()
    // The server is this process: on a crowded machine it is slow, never gone.
    let transport = Transport(
      limits: Transport.Limits(
        connections: models.connections, connectSeconds: Self.patienceSeconds))
    await scope.onClose { transport.shutDown() }
    // Nothing but this process needs to reach it, so no key from the environment is sent.
    let endpoint = try Endpoint(url.absoluteString, environment: [:])
    let client = OpenAIClient(
      endpoint: endpoint, model: name,
      dialect: try await Self.dialect(
        at: ServerProbe(endpoint: endpoint, transport: transport), of: name, with: models.updates),
      transport: transport)
    let build = [
      "embedded", models.version, InferenceEngine.instructionSet, served.chatFormat.identity,
    ].joined(separator: " ")
    return ReadyServers(
      description: "embedded", build: build, modelName: name, model: client,
      continuesReplies: true)
  }

  private static let patienceSeconds = 600.0

  /// How the server's adapters are chosen, once it says that they are the study's.
  private static func dialect(
    at probe: ServerProbe, of name: String, with updates: StudyUpdates
  ) async throws -> LlamaServerDialect {
    try await probe.waitUntilReady(seconds: patienceSeconds)
    let models = try await probe.models()
    guard models == [name] else {
      throw StudyError.servedModelDiffers(expected: name, found: models)
    }
    let adapters = try await probe.adapters() ?? []
    guard adapters.map(\.name) == updates.names.map(\.text) else {
      throw StudyError.servedModelDiffers(
        expected: "\(updates.names)", found: adapters.map { $0.name ?? "none" })
    }
    let ids = Dictionary(
      updates.names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return LlamaServerDialect(
      adapterIDs: ids, disablesPromptCache: false, takesReasoningBudget: true)
  }
}

extension ServerSource where Self == EmbeddedServer {
  package static var embedded: EmbeddedServer { EmbeddedServer() }
}
