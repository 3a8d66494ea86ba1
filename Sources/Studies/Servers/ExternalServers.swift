package import Foundation
import Inference
package import Support

/// What is asked for of servers outside this process, before it is known to make sense.
package struct ExternalServers: Sendable {
  /// Servers that run already.
  package var replicas: Replicas
  package var dialect: DialectChoice
  /// Which server has which model.
  package var cells: URL?
  /// Starts the server: `{model}`, `{gguf}`, `{lora}`, `{gpus}` and `{port}` are filled in.
  package var serve: CommandTemplate?
  /// What `{gguf}` stands for.
  package var gguf: String?
  package var connection: ServerConnection
  /// How long a server may take until it is ready.
  package var startSeconds: Double
  /// How often a crashed server is started again.
  package var maxRestarts: Int

  package init(
    replicas: Replicas = Replicas([]), dialect: DialectChoice = .auto, cells: URL? = nil,
    serve: CommandTemplate? = nil, gguf: String? = nil,
    connection: ServerConnection = ServerConnection(), startSeconds: Double = 900,
    maxRestarts: Int = 5
  ) {
    self.replicas = replicas
    self.dialect = dialect
    self.cells = cells
    self.serve = serve
    self.gguf = gguf
    self.connection = connection
    self.startSeconds = startSeconds
    self.maxRestarts = maxRestarts
  }

  /// What makes no sense together, with the options' names; nil where all is well.
  package var contradiction: String? {
    let ways = [!replicas.isEmpty, serve != nil, cells != nil].count { $0 }
    if ways != 1 {
      return "expected one of --endpoint (or --endpoints-file, --endpoints-command), --serve and "
        + "--cells, found \(ways)"
    }
    if cells != nil, dialect != .auto, dialect != .plain {
      return "--cells: expected --dialect plain, found \(dialect)"
    }
    guard let serve else { return nil }
    if !serve.has("port") { return "--serve: expected {port} in the command, found none" }
    if serve.has("gguf") != (gguf != nil) {
      return "--serve: expected {gguf} in the command and --gguf FILE, or neither"
    }
    return dialect.started(by: serve).contradiction(in: serve)
  }

  /// The way to the servers.
  ///
  /// - Precondition: there is no contradiction.
  package var source: any ServerSource {
    if let cells { return ListedServers(file: cells, connection: connection) }
    guard let serve else {
      return RunningServers(replicas: replicas, dialect: dialect, connection: connection)
    }
    return StartedServer(
      command: serve, gguf: gguf, dialect: dialect, connection: connection,
      startSeconds: startSeconds, maxRestarts: maxRestarts)
  }
}
