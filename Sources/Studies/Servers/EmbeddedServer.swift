import ChatTemplates
import Checkpoints
import Decoder
import Foundation
import HTTP
import Inference
import LinearAlgebra
import LocalServer
import ModelAccess
import Support

/// The embedded server in this process, talked to as any other server.
package struct EmbeddedServer: ServerSource {
  /// Sequences that are continued at a time, whatever the connections.
  private static let mostSlots = 64

  package let scoresReplies = true

  package init() {}

  /// One checkpoint with adapters, served.
  struct Instance: Sendable {
    let server: LocalServer
    let transport: Transport
    let client: OpenAIClient
    let served: ServedModel
    var chatFormat: String { served.chatFormat.identity }

    /// Loads the model, starts the server on a free loopback port, and checks that it serves the updates
    /// it was given.
    init(_ checkpoint: Checkpoint, adapters: [NamedUpdate], _ models: ModelsToServe) async throws {
      let name = models.checkpoint.folder.modelName
      let served = try await runOnOwnThread(named: "loxeval-load") {
        try ServedModel(
          folder: checkpoint, name: name,
          updates: adapters.compactMap { named in
            named.update.lowRank.map {
              (ServedModel.Adapter(name: named.name.text, defaultScale: 0), $0)
            }
          }, chatFormat: models.chatFormat,
          options: InferenceEngine.Options(
            slots: max(1, min(models.connections, mostSlots)), threads: models.threads,
            arithmetic: models.arithmetic))
      }
      self.served = served
      server = LocalServer(served, version: models.version)
      // The server is this process: on a crowded machine it is slow, never gone.
      transport = Transport(
        limits: Transport.Limits(
          connections: models.connections, connectSeconds: patienceSeconds))
      do {
        let url = try await server.start()
        // Nothing but this process needs to reach it, so no key from the environment is sent.
        let endpoint = try Endpoint(url.absoluteString, environment: [:])
        client = OpenAIClient(
          endpoint: endpoint, model: name,
          dialect: try await EmbeddedServer.dialect(
            at: ServerProbe(endpoint: endpoint, transport: transport), of: name,
            with: adapters.map(\.name)), transport: transport)
      } catch {
        transport.shutDown()
        await server.stop()
        throw error
      }
    }

    func stop() async {
      transport.shutDown()
      await server.stop()
    }
  }

  package var takesCheckpoints: Bool { true }

  /// Serves the checkpoint with every update that some model takes as an adapter on it.
  package func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    events(.step("starting the server"))
    let instance = try await Instance(
      models.checkpoint, adapters: models.updates.adapters(above: [], in: models), models)
    await scope.onClose { await instance.stop() }
    let merged = MergedServers(models)
    await scope.onClose { await merged.closeAll() }
    // Unfinished runs and kept replies of builds that rounded models with a change of full rank are another's.
    let isMixed =
      models.arithmetic != .float32 && models.updates.all.contains { $0.update.lowRank == nil }
    let build = [
      "embedded", models.version, models.arithmetic.build + (isMixed ? "+float32" : ""),
      instance.chatFormat,
    ].joined(separator: " ")
    return ReadyServers(
      description: "embedded", build: build,
      modelName: models.checkpoint.folder.modelName,
      model: EmbeddedModels(bare: instance.client, merged: merged, updates: models.updates),
      continuesReplies: true, scoring: ServedScoring(model: instance.served))
  }

  private static let patienceSeconds = 600.0

  /// How the server's adapters are chosen, once it says that they are the study's.
  private static func dialect(
    at probe: ServerProbe, of name: String, with updates: [UpdateName]
  ) async throws -> LlamaServerDialect {
    try await probe.waitUntilReady(seconds: patienceSeconds)
    let models = try await probe.models()
    guard models == [name] else {
      throw StudyError.servedModelDiffers(expected: name, found: models)
    }
    let adapters = try await probe.adapters() ?? []
    guard adapters.map(\.name) == updates.map(\.text) else {
      throw StudyError.servedModelDiffers(
        expected: "\(updates)", found: adapters.map { $0.name ?? "none" })
    }
    let ids = Dictionary(
      updates.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return LlamaServerDialect(adapterIDs: ids, isEmbedded: true)
  }
}

/// The embedded server's model, read without going through HTTP.
private struct ServedScoring: ReplyScoring {
  let model: ServedModel

  func loss(
    of replies: [String], to messages: [ChatMessage], variant: [ScaledUpdate]
  ) async throws(ChatFailure) -> Double {
    do {
      return try await model.loss(
        of: replies, to: messages,
        scales: variant.map { (adapter: $0.name.text, scale: Float($0.scale)) })
    } catch is CancellationError {
      throw ChatFailure(
        code: .cancelled, message: "the run was interrupted", attempts: 1, latencyMilliseconds: 0,
        isFatal: false)
    } catch {
      throw ChatFailure(
        code: "refusal-unread", message: "\(error)", attempts: 1, latencyMilliseconds: 0,
        isFatal: false)
    }
  }
}

extension ServerSource where Self == EmbeddedServer {
  package static var embedded: EmbeddedServer { EmbeddedServer() }
}
