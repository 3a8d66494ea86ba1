import Decoder
package import Foundation
import Support
import Synchronization

/// An OpenAI-compatible HTTP server over one loaded model.
///
/// It speaks llama-server's way of choosing updates: `GET` and `POST /lora-adapters`, and a `lora`
/// list of ids and scales in each request (updates not listed count 0), so that one process serves
/// every model of a study. Equal requests get equal bytes, whatever runs beside them.
package final class LocalServer: Sendable {
  private let served: ServedModel
  private let host: String
  private let port: UInt16
  private let allowedHosts: [String]
  private let version: String
  private let limits: HTTPLimits
  private let running = Mutex<HTTPServer?>(nil)
  private let ended = AsyncStream<Never>.makeStream()

  /// - Parameters:
  ///   - host: an address of this machine to bind to; loopback unless told otherwise.
  ///   - port: 0 takes a free one.
  ///   - allowedHosts: names that it answers to beside those of this machine; `*` is any.
  ///   - version: the program's version, for `system_fingerprint`.
  package init(
    _ served: ServedModel, host: String = "127.0.0.1", port: UInt16 = 0,
    allowedHosts: [String] = [], version: String, limits: HTTPLimits = HTTPLimits()
  ) {
    self.served = served
    self.host = host
    self.port = port
    self.allowedHosts = allowedHosts
    self.version = version
    self.limits = limits
  }

  /// Starts listening.
  ///
  /// - Returns: the base URL, such as `http://127.0.0.1:40123`.
  package func start() async throws -> URL {
    let listening = try ListeningSocket(host: host, port: port)
    // The address that it was told to listen at is one of its names.
    let rules = AccessRules(
      allowedHosts: allowedHosts + [host], isLoopback: listening.isLoopback)
    let routes = Routes(served, rules: rules, version: version)
    let server = HTTPServer(listening: listening, limits: limits) { await routes.respond(to: $0) }
    try server.start()
    running.withLock { $0 = server }
    guard let url = URL(string: "http://\(listening.authority)") else {
      throw LocalServerError.cannotListen(
        address: listening.authority, reason: "it does not make an address to ask")
    }
    return url
  }

  /// Waits until the server is stopped, or the task that waits is cancelled.
  package func waitUntilStopped() async {
    for await _ in ended.stream {}
  }

  /// Stops listening, ends the engine, which fails what is under way, and closes every connection.
  package func stop() async {
    served.engine.shutDown()
    await running.withLock { $0 }?.stop()
    ended.continuation.finish()
  }
}
