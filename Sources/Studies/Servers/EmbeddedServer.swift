package import ChatTemplates
package import Checkpoints
package import Decoder
import Foundation
package import Inference
import LocalServer
import ModelAccess

/// The embedded server in this process, and a client that talks to it as to any other server.
package struct EmbeddedServer: Sendable {
  package let client: OpenAIClient
  private let build: String
  private let server: LocalServer
  private let transport: Transport

  /// Loads the model, starts the server on a free loopback port, and checks that it serves the
  /// updates it was given.
  ///
  /// - Parameters:
  ///   - updates: by the names that requests choose them by.
  ///   - connections: requests at a time.
  package init(
    model: Checkpoint, updates: StudyUpdates, chatFormat: ChatFormat?,
    options: InferenceEngine.Options, connections: Int, version: String
  ) async throws {
    let name = model.folder.lastPathComponent
    let served = try ServedModel(
      folder: model, name: name,
      updates: updates.all.map {
        (ServedModel.Adapter(name: $0.name.text, path: $0.name.text, defaultScale: 0), $0.update)
      }, chatFormat: chatFormat, options: options)
    server = try LocalServer(served, version: version)
    build = [
      "embedded", version, InferenceEngine.instructionSet, served.chatFormat.name,
    ].joined(separator: " ")
    let url = try await server.start()
    transport = Transport(limits: Transport.Limits(connections: connections))
    // Nothing but this process needs to reach it, so no key from the environment is sent.
    let endpoint = try Endpoint(url.absoluteString, environment: [:])
    let probe = ServerProbe(endpoint: endpoint, transport: transport)
    try await probe.waitUntilReady(seconds: 30)
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
    client = OpenAIClient(
      endpoint: endpoint, model: name,
      dialect: LlamaServerDialect(adapterIDs: ids, disablesPromptCache: false),
      transport: transport)
  }

  /// The server of a run.
  init(_ study: ServedStudy) async throws {
    try await self.init(
      model: study.checkpoint, updates: study.updates, chatFormat: study.chatFormat,
      options: InferenceEngine.Options(
        slots: max(1, min(study.connections, 64)), threads: study.threads),
      connections: study.connections, version: study.version)
  }

  var studyServer: StudyServer {
    StudyServer(description: "embedded", build: build, modelName: client.model ?? "", model: client)
    {
      await self.stop()
    }
  }

  package func stop() async {
    transport.shutDown()
    await server.stop()
  }
}
