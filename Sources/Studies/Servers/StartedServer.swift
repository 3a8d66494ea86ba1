package import Checkpoints
import Foundation
import Inference
import ModelAccess
package import Support

/// A server that is started for the run by a command of the user's.
package struct StartedServer: ServerSource {
  /// `{model}`, `{gguf}`, `{lora}`, `{gpus}` and `{port}` are filled in.
  package var command: CommandTemplate
  /// What `{gguf}` stands for.
  package var gguf: String?
  package var dialect: DialectChoice
  package var connection: ServerConnection
  /// How long it may take until it is ready.
  package var startSeconds: Double
  /// How often it is started again after a crash.
  package var maxRestarts: Int

  package init(
    command: CommandTemplate, gguf: String? = nil, dialect: DialectChoice = .auto,
    connection: ServerConnection = ServerConnection(), startSeconds: Double = 900,
    maxRestarts: Int = 5
  ) {
    self.command = command
    self.gguf = gguf
    self.dialect = dialect
    self.connection = connection
    self.startSeconds = startSeconds
    self.maxRestarts = maxRestarts
  }

  package var takesCheckpoints: Bool { dialect.started(by: command).servesCheckpoints }

  package func requireServed(
    fullTraining attack: String, of checkpoint: Checkpoint
  ) throws(StudyError) {
    try dialect.started(by: command).requireServed(fullTraining: attack, of: checkpoint)
  }

  package func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    let opening = await ServerOpening(models, connection, in: scope, events: events)
    let launcher = try ServerLauncher(self, opening)
    return try await opening.prove(try await dialect.started(by: command).start(launcher))
  }
}

/// Starts a study's server, on one port of this machine: its dialect says with what, and how often.
struct ServerLauncher: Sendable {
  let opening: ServerOpening
  let probe: ServerProbe
  /// Of the one server.
  let pool: EndpointPool
  private let source: StartedServer
  private let port: UInt16
  private let gpus: Int

  init(_ source: StartedServer, _ opening: ServerOpening) throws {
    guard let port = freePort() else {
      throw StudyError.serverOptions("expected a free TCP port, found none")
    }
    // Nothing but this process needs to reach it, so no key from the environment is sent.
    let endpoint = try Endpoint("http://127.0.0.1:\(port)", environment: [:])
    let gpus = AllottedGPUs.count()
    guard gpus != nil || !source.command.has("gpus") else {
      throw StudyError.serverOptions(
        "--serve: expected CUDA_VISIBLE_DEVICES or SLURM_GPUS_ON_NODE to say how many GPUs {gpus} stands for, "
          + "found neither")
    }
    self.gpus = gpus ?? 0
    self.opening = opening
    self.source = source
    self.port = port
    probe = ServerProbe(endpoint: endpoint, transport: opening.transport)
    pool = opening.pool([endpoint])
  }

  /// A server of a model, which is not started yet.
  ///
  /// - Parameters:
  ///   - model: the folder that `{model}` stands for.
  ///   - values: what further places stand for.
  ///   - environment: variables that the server is to have.
  ///   - log: its output's place in the run's folder.
  ///   - afterRestart: gives a server that was started again what it lost.
  func server(
    of model: String, values: [String: [String]] = [:], environment: [String: String] = [:],
    log: String, afterRestart: @escaping @Sendable () async throws(ChatFailure) -> Void = {}
  ) -> ManagedServer {
    let places = [
      "port": ["\(port)"], "model": [model], "gguf": [source.gguf ?? ""], "gpus": ["\(gpus)"],
    ]
    let exports = environment.sorted { $0.key < $1.key }.map {
      "export \($0.key)=\(CommandTemplate.quoted($0.value)); "
    }
    return ManagedServer(
      command: exports.joined() + source.command.filled(places.merging(values) { $1 }),
      log: opening.models.run.appending(path: log), probe: probe,
      startSeconds: source.startSeconds, maxRestarts: source.maxRestarts, pool: pool,
      afterRestart: afterRestart, events: opening.events)
  }
}
