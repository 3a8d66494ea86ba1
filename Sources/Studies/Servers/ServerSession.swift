import Checkpoints
import Foundation
import Inference
import ModelAccess
import Support

/// External servers from the start of a run to its end.
actor ServerSession {
  private let options: ExternalServers
  private let study: ServedStudy
  private let events: @Sendable (StudyEvent) -> Void
  private let transport: Transport
  private var servers: [ManagedServer] = []
  private var gate: VariantGate?

  init(
    _ options: ExternalServers, _ study: ServedStudy,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) {
    self.options = options
    self.study = study
    self.events = events
    var limits = options.limits
    limits.connections = study.connections
    transport = Transport(limits: limits)
  }

  /// What a dialect needs to be asked, and what it says of itself.
  private struct Opened {
    var pool: EndpointPool
    var model: String?
    var dialect: any ServerDialect
    var build: String
  }

  func open() async throws -> StudyServer {
    let opened =
      if let file = options.cells {
        try await openCells(file)
      } else if options.serve != nil {
        try await openManaged()
      } else {
        try await openRunning()
      }
    let client = OpenAIClient(
      pool: opened.pool, model: opened.model, dialect: opened.dialect, transport: transport,
      retries: options.retries)
    let check = try identityCheck(client)
    let gate = VariantGate(client: client) { variant async throws(ChatFailure) in
      try await check.verify(variant)
    }
    self.gate = gate
    let name = [opened.dialect.name, opened.build, opened.model ?? ""]
    return StudyServer(
      description: name.filter { !$0.isEmpty }.joined(separator: " "),
      build: name.joined(separator: " "),
      modelName: opened.model ?? "", model: gate,
      identity: { variant async throws(ChatFailure) in
        try await gate.open(variant)
        return await check.signature(of: variant)?.text ?? ""
      },
      stop: { await self.close() })
  }

  func close() async {
    await gate?.close()
    gate = nil
    for server in servers { await server.stop() }
    servers = []
    transport.shutDown()
  }

  private func pool(_ endpoints: [Endpoint]) -> EndpointPool {
    EndpointPool(
      endpoints, limit: study.connections, retries: options.retries,
      onPause: StudyEvent.pause(events))
  }

  // MARK: - Ways to a server

  private func openRunning() async throws -> Opened {
    let probes = options.endpoints.map { ServerProbe(endpoint: $0, transport: transport) }
    for probe in probes {
      events(.step("waiting for \(probe.endpoint)"))
      try await probe.waitUntilReady(seconds: options.patienceSeconds)
    }
    let builds = await builds(probes)
    let dialect =
      switch options.dialect {
      case .auto: try await recognised(probes[0], builds[0])
      default: options.dialect
      }
    let pool = pool(options.endpoints)
    switch dialect {
    case .llamaServer:
      return try await openLlamaServer(probes, pool, files: try writeGGUF())
    case .vllm:
      return try await openVLLM(probes, pool)
    case .plain, .auto:
      return Opened(
        pool: pool, model: try await modelName(probes), dialect: PlainDialect(),
        build: await build(probes))
    }
  }

  private func openManaged() async throws -> Opened {
    guard let port = freePort() else {
      throw StudyError.serverOptions("expected a free TCP port, found none")
    }
    let endpoint = try Endpoint("http://127.0.0.1:\(port)", environment: [:])
    let probe = ServerProbe(endpoint: endpoint, transport: transport)
    let pool = pool([endpoint])
    switch options.managedDialect {
    case .llamaServer:
      let files = try writeGGUF()
      try await startServer(port, probe, pool, lora: study.updates.names.compactMap { files[$0] })
      return try await openLlamaServer([probe], pool, files: files)
    case .vllm:
      try await startServer(port, probe, pool, lora: [])
      return try await openVLLM([probe], pool)
    case .plain, .auto:
      let cells = MergedCells(
        study: study, probe: probe, pool: pool, modelName: options.modelName
      ) { [self] folder, log in
        managedServer(command(port: port, model: folder, lora: []), log: log, probe, pool)
      }
      return Opened(pool: pool, model: nil, dialect: cells, build: "")
    }
  }

  private func openCells(_ file: URL) async throws -> Opened {
    let cells = try CellsFile(reading: file)
    let routes = try cells.routes(for: study.variants, file: file)
    let probes = cells.endpoints.map { ServerProbe(endpoint: $0, transport: transport) }
    var served: [[String]] = []
    for probe in probes {
      events(.step("waiting for \(probe.endpoint)"))
      try await probe.waitUntilReady(seconds: options.patienceSeconds)
      served.append(try await probe.models())
    }
    for route in routes.values {
      guard let model = route.model else { continue }
      for index in route.endpoints where !served[index].contains(model) {
        throw StudyError.servedModelDiffers(expected: model, found: served[index])
      }
    }
    return Opened(
      pool: pool(cells.endpoints), model: nil, dialect: PlainDialect(routes: routes),
      build: await build(probes))
  }

  // MARK: - Dialects

  private func openLlamaServer(
    _ probes: [ServerProbe], _ pool: EndpointPool, files: [UpdateName: String]
  ) async throws -> Opened {
    var found: LlamaServerDialect?
    for probe in probes {
      let dialect = try LlamaServerDialect(
        loaded: try await probe.adapters() ?? [], for: study.updates.names, files: files)
      if let found, found.adapterIDs != dialect.adapterIDs {
        throw StudyError.servedModelDiffers(
          expected: "the adapters \(found.adapterIDs) at every endpoint",
          found: ["\(dialect.adapterIDs) at \(probe.endpoint)"])
      }
      found = dialect
    }
    return Opened(
      pool: pool, model: try await modelName(probes),
      dialect: found ?? LlamaServerDialect(adapterIDs: [:]), build: await build(probes))
  }

  private func openVLLM(_ probes: [ServerProbe], _ pool: EndpointPool) async throws -> Opened {
    try study.requireLinearUpdates(server: "vLLM")
    let model = try await modelName(probes)
    let (study, folder) = (study, adapterFolder)
    let nameOfAdapter: @Sendable ([ScaledUpdate]) -> String = { "loxeval-" + study.id(of: $0) }
    let dialect = VLLMDialect(
      probes: probes, model: model, nameOfAdapter: nameOfAdapter,
      write: { variant in
        let name = nameOfAdapter(variant)
        let update = LowRankUpdate(stack: try study.updates.stack(variant))
        let place = folder.appending(path: name)
        try update.writePEFT(
          to: place, baseModel: study.checkpoint.folder.lastPathComponent, replaceExisting: true)
        return VLLMDialect.Adapter(name: name, folder: place, rank: update.rank)
      },
      discard: { variant in
        try? FileManager.default.removeItem(at: folder.appending(path: nameOfAdapter(variant)))
      })
    return Opened(pool: pool, model: model, dialect: dialect, build: await build(probes))
  }

  /// llama.cpp's and the embedded server list adapters; vLLM gives its version; others do neither.
  private func recognised(
    _ probe: ServerProbe, _ build: (kind: ServerProbe.Kind, version: String)?
  ) async throws -> ExternalServers.Dialect {
    if build?.kind == .vllm { return .vllm }
    return try await probe.adapters() == nil ? .plain : .llamaServer
  }

  // MARK: - What servers are

  private func builds(
    _ probes: [ServerProbe]
  ) async -> [(kind: ServerProbe.Kind, version: String)?] {
    var builds: [(kind: ServerProbe.Kind, version: String)?] = []
    for probe in probes { builds.append(await probe.build()) }
    return builds
  }

  private func build(_ probes: [ServerProbe]) async -> String {
    Set(await builds(probes).compactMap { $0?.version }).sorted().joined(separator: ", ")
  }

  /// The bare model's name, which every endpoint must list.
  private func modelName(_ probes: [ServerProbe]) async throws -> String {
    var name = options.modelName
    for probe in probes { name = try await probe.model(named: name) }
    return name ?? ""
  }

  private func identityCheck(
    _ client: OpenAIClient
  ) throws -> IdentityCheck {
    let (study, book) = (study, IdentityBook(run: study.run))
    let ids = Dictionary(study.variants.map { ($0.id, $0.stack) }, uniquingKeysWith: { a, _ in a })
    let known = try book.read()
    let zeros = Set(study.updates.all.filter(\.update.isZero).map(\.name))
    return IdentityCheck(
      client: client,
      known: Dictionary(
        known.compactMap { entry in ids[entry.key].map { ($0, entry.value) } },
        uniquingKeysWith: { a, _ in a }),
      isEffective: { $0.scale != 0 && !zeros.contains($0.name) },
      record: { signatures in
        try book.write(
          Dictionary(
            signatures.map { (study.id(of: $0.key), $0.value) }, uniquingKeysWith: { a, _ in a }))
      })
  }

  // MARK: - Files and processes

  private var adapterFolder: URL { study.run.appending(path: "adapters").absoluteURL }

  private func writeGGUF() throws -> [UpdateName: String] {
    if !study.updates.all.isEmpty { events(.step("writing adapters to \(adapterFolder.path)")) }
    var files: [UpdateName: String] = [:]
    for named in study.updates.all {
      let file = adapterFolder.appending(path: "\(named.name).gguf")
      do {
        try named.update.writeGGUF(to: file, for: study.checkpoint, replaceExisting: true)
      } catch CheckpointError.adapter(_, .llamaCppTiedEmbedding(let tensor)) {
        throw StudyError.unservedUpdate(
          server: "llama-server", update: named.name.text, tensor: tensor)
      }
      files[named.name] = file.path
    }
    return files
  }

  private nonisolated func command(port: UInt16, model: String, lora files: [String]) -> String {
    let lora = files.flatMap { ["--lora", $0] }
    let command =
      (options.serve?.filled([
        "port": ["\(port)"], "model": [model], "gguf": [options.gguf ?? ""],
        "lora": lora.isEmpty ? [] : lora + ["--lora-init-without-apply"],
      ])) ?? ""
    // vLLM loads adapters at run time only where it is told that it may; to others it means nothing.
    return "export VLLM_ALLOW_RUNTIME_LORA_UPDATING=True; " + command
  }

  private nonisolated func managedServer(
    _ command: String, log: String, _ probe: ServerProbe, _ pool: EndpointPool,
    afterRestart: @escaping @Sendable () async throws(ChatFailure) -> Void = {}
  ) -> ManagedServer {
    ManagedServer(
      command: command, log: study.run.appending(path: log), probe: probe,
      startSeconds: options.startSeconds, maxRestarts: options.maxRestarts, pool: pool,
      afterRestart: afterRestart, events: events)
  }

  private func startServer(
    _ port: UInt16, _ probe: ServerProbe, _ pool: EndpointPool, lora: [String]
  ) async throws {
    let server = managedServer(
      command(port: port, model: study.checkpoint.folder.absoluteURL.path, lora: lora),
      log: "server.log", probe, pool
    ) { [weak self] () async throws(ChatFailure) in try await self?.gate?.prepareAgain() }
    servers.append(server)
    try await server.start()
  }
}
