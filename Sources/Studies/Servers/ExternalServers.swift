package import Foundation
package import Inference
import ModelAccess
package import Support

/// Servers outside this process: running ones, or one that is started for the run.
package struct ExternalServers: Sendable {
  /// How a server is told which model to answer as.
  package enum Dialect: String, CaseIterable, Sendable {
    /// Found out from the server, or from its command.
    case auto
    case llamaServer = "llama-server"
    case vllm, plain
  }

  /// Replicas; for `plain` with a file of cells they are named there.
  package var endpoints: [Endpoint]
  package var dialect: Dialect
  /// The bare model's name; by default the first that the server lists.
  package var modelName: String?
  /// Which server has which model, for `plain`.
  package var cells: URL?
  /// Starts the server: `{model}`, `{gguf}`, `{lora}` and `{port}` are filled in.
  package var serve: CommandTemplate?
  /// What `{gguf}` stands for.
  package var gguf: String?
  package var retries: RetryPolicy
  package var limits: Transport.Limits
  /// How long a server may take until it is ready.
  package var startSeconds: Double
  /// How often a crashed server is started again.
  package var maxRestarts: Int

  package init(
    endpoints: [Endpoint], dialect: Dialect = .auto, modelName: String? = nil, cells: URL? = nil,
    serve: CommandTemplate? = nil, gguf: String? = nil, retries: RetryPolicy = RetryPolicy(),
    limits: Transport.Limits = Transport.Limits(), startSeconds: Double = 900,
    maxRestarts: Int = 5
  ) {
    self.endpoints = endpoints
    self.dialect = dialect
    self.modelName = modelName
    self.cells = cells
    self.serve = serve
    self.gguf = gguf
    self.retries = retries
    self.limits = limits
    self.startSeconds = startSeconds
    self.maxRestarts = maxRestarts
  }

  /// How long a server that runs already may stay away before it is given up.
  var patienceSeconds: Double { limits.connectSeconds }

  /// What makes no sense together, with the options' names; nil where all is well.
  package var contradiction: String? {
    let ways = [!endpoints.isEmpty, serve != nil, cells != nil].count { $0 }
    if ways != 1 { return "expected one of --endpoint, --serve and --cells, found \(ways)" }
    if cells != nil, dialect != .auto, dialect != .plain {
      return "--cells: expected --dialect plain, found \(dialect.rawValue)"
    }
    guard let serve else { return nil }
    if !serve.has("port") { return "--serve: expected {port} in the command, found none" }
    if serve.has("gguf") != (gguf != nil) {
      return "--serve: expected {gguf} in the command and --gguf FILE, or neither"
    }
    if dialect == .llamaServer && !serve.has("lora") {
      return "--serve: expected {lora} in the command of llama-server, found none"
    }
    if managedDialect != .llamaServer && !serve.has("model") {
      return "--serve: expected {model} in the command, or {gguf} and {lora} of llama-server"
    }
    return nil
  }

  /// The dialect of the server that `serve` starts.
  var managedDialect: Dialect {
    guard dialect == .auto, let serve else { return dialect }
    return serve.has("lora")
      ? .llamaServer : serve.text.contains("--enable-lora") ? .vllm : .plain
  }

  /// Finds or starts the servers, and shows that they can serve the study.
  func start(
    _ study: ServedStudy, events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> StudyServer {
    let session = ServerSession(self, study, events: events)
    do {
      return try await session.open()
    } catch {
      await session.close()
      throw error
    }
  }

  /// Finds running servers of one model, to be measured as it is.
  func start(
    connections: Int, events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> StudyServer {
    var limits = limits
    limits.connections = connections
    let transport = Transport(limits: limits)
    do {
      var name = modelName
      var builds: Set<String> = []
      for endpoint in endpoints {
        let probe = ServerProbe(endpoint: endpoint, transport: transport)
        events(.step("waiting for \(endpoint)"))
        try await probe.waitUntilReady(seconds: patienceSeconds)
        name = try await probe.model(named: name)
        if let build = await probe.build() { builds.insert(build.version) }
      }
      let client = OpenAIClient(
        pool: EndpointPool(
          endpoints, limit: connections, retries: retries, onPause: StudyEvent.pause(events)),
        model: name, transport: transport, retries: retries)
      let check = IdentityCheck(client: client)
      let places = endpoints.map(\.name).joined(separator: ", ")
      let description = ([places, name ?? ""] + builds.sorted()).joined(separator: " ")
      return StudyServer(
        description: description, build: description, modelName: name ?? "", model: client,
        identity: { variant async throws(ChatFailure) in
          if await check.signature(of: variant) == nil { try await check.verify(variant) }
          return await check.signature(of: variant)?.text ?? ""
        },
        stop: { transport.shutDown() })
    } catch {
      transport.shutDown()
      throw error
    }
  }
}

extension ServerProbe {
  /// The name of a model that the server lists.
  ///
  /// - Parameter wanted: nil takes the first.
  func model(named wanted: String?) async throws -> String {
    let found = try await models()
    guard let name = wanted ?? found.first, found.contains(name) else {
      throw StudyError.servedModelDiffers(expected: wanted ?? "a model", found: found)
    }
    return name
  }
}
