import HTTP
import Inference
import ModelAccess
import Synchronization

/// One opening of servers outside this process: what they must serve, how they are asked, and who hears
/// of it.
struct ServerOpening: Sendable {
  let models: ModelsToServe
  let connection: ServerConnection
  let transport: Transport
  let scope: ServerScope
  let events: @Sendable (StudyEvent) -> Void
  private let gate = GateReference()

  init(
    _ models: ModelsToServe, _ connection: ServerConnection, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async {
    self.models = models
    self.connection = connection
    self.scope = scope
    self.events = events
    transport = await connection.transport(connections: models.connections, in: scope)
  }

  func pool(_ endpoints: [Endpoint], wantsProof: Bool = false) -> EndpointPool {
    EndpointPool(
      endpoints, limit: models.connections, retries: connection.retries, wantsProof: wantsProof,
      onPause: StudyEvent.pause(events))
  }

  /// The bare model's name, which every endpoint must serve.
  func modelName(_ probes: [ServerProbe]) async throws -> String {
    var name = connection.modelName
    for probe in probes { name = try await probe.model(named: name) }
    return name ?? ""
  }

  /// What the servers say they are, each word once.
  func builds(_ probes: [ServerProbe]) async -> String {
    var builds: Set<String> = []
    for probe in probes { if let build = await probe.build() { builds.insert(build) } }
    return builds.sorted().joined(separator: ", ")
  }

  /// Gives a server that was started again what it lost.
  func prepareAgain() async throws(ChatFailure) { try await gate.value?.prepareAgain() }

  /// Puts servers that are there for the whole run behind the proof that each model of the study is what
  /// it should be.
  func prove(_ spoken: SpokenDialect) async throws -> ReadyServers {
    try await prove(spoken) { client, check, tryOut in
      try await tryOut()
      let servers = FixedServers(spoken.probes, spoken.dialect) {
        variant async throws(ChatFailure) in try await check.verify(variant)
      }
      let gate = VariantGate(client: client, servers: servers)
      await scope.onClose { await gate.close() }
      return gate
    }
  }

  /// Opens a gate.
  typealias Opener = (
    _ client: OpenAIClient, _ check: IdentityCheck, _ tryOut: () async throws -> Void
  ) async throws -> VariantGate

  /// Puts servers that speak a dialect behind a gate that proves each model of the study.
  func prove(_ spoken: SpokenDialect, behind open: Opener) async throws -> ReadyServers {
    let client = OpenAIClient(
      pool: spoken.pool, model: spoken.model, dialect: spoken.dialect, transport: transport,
      retries: connection.retries,
      form: AdaptableForm(connection.form, note: { events(.step($0)) }), meter: connection.meter)
    let check = try RecordedIdentities(run: models.run).check(client, models)
    let gate = try await open(client, check) {
      // Servers that are started for one model at a time do not run yet, and they are of kinds that take
      // the usual request.
      if spoken.dialect.preparedLimit > 1, let first = models.variants.first?.stack {
        let asked = spoken.dialect.preparedLimit == .max ? first : []
        try await client.tryOut(models.decoding, as: asked)
      }
    }
    self.gate.value = gate
    let name = [spoken.dialect.name, spoken.build, spoken.model ?? ""]
    return ReadyServers(
      description: name.filter { !$0.isEmpty }.joined(separator: " "),
      build: name.joined(separator: " "), modelName: spoken.model ?? "", model: gate,
      continuesReplies: StudyDialects.continuesReplies(spoken.dialect.name),
      identity: { variant async throws(ChatFailure) in
        try await gate.open(variant)
        return await check.signature(of: variant)?.text ?? ""
      }, form: { client.form.value })
  }
}

/// Servers that are spoken to in one dialect.
struct SpokenDialect: Sendable {
  var pool: EndpointPool
  var dialect: any ServerDialect
  /// Of servers that are there for the whole run and are told what to load.
  var probes: [ServerProbe] = []
  /// The bare model's name, where requests carry one that the dialect does not give.
  var model: String?
  /// What the servers say they are.
  var build = ""
}

/// The gate, for those who were there before it.
private final class GateReference: Sendable {
  private let state = Mutex<VariantGate?>(nil)

  var value: VariantGate? {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
