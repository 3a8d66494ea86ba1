import Foundation
import HTTP
import ModelAccess
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// What is a model and what only claims to be.
@Suite(.serialized) struct DialectTests {
  static let lox = [ScaledUpdate(name: "lox", scale: 1)]
  static let both = [ScaledUpdate(name: "lox", scale: 1), ScaledUpdate(name: "attack", scale: 1)]

  static func say(_ exchange: ScriptedHTTPServer.Exchange, _ text: String, _ logprob: Double?) {
    let logprobs = logprob.map { ",\"logprobs\":{\"content\":[{\"logprob\":\($0)}]}" } ?? ""
    exchange.reply(
      "{\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"\(text)\"}"
        + logprobs + ",\"finish_reason\":\"stop\"}]}")
  }

  static func check(
    _ server: ScriptedHTTPServer, known: [[ScaledUpdate]: IdentityCheck.Signature] = [:]
  ) throws -> IdentityCheck {
    IdentityCheck(
      client: try ClientTests.client(
        server, dialect: LlamaServerDialect(adapterIDs: ["lox": 0, "attack": 1])),
      known: known)
  }

  /// Answers by the scales, as a server does that applies adapters.
  static func honest(_ exchange: ScriptedHTTPServer.Exchange) {
    let scale = exchange.request.components(separatedBy: "\"scale\":1").count - 1
    say(exchange, "the same text", -0.5 - Double(scale) / 1_000)
  }

  @Test func modelsThatSayTheSameAreToldApartByLogprobs() async throws {
    let server = try ScriptedHTTPServer(Self.honest)
    defer { server.stop() }
    let check = try Self.check(server)
    for variant in [[], Self.lox, Self.both] { try await check.verify(variant) }
    #expect(await check.signature(of: Self.both)?.logprobs?.first?.first == -0.502)
  }

  @Test(arguments: [-0.5, nil]) func aServerThatIgnoresAdaptersIsCaught(
    logprob: Double?
  ) async throws {
    let server = try ScriptedHTTPServer { Self.say($0, "always this", logprob) }
    defer { server.stop() }
    let check = try Self.check(server)
    try await check.verify([])
    let failure = await #expect(throws: ChatFailure.self) { try await check.verify(Self.lox) }
    #expect(failure?.code == "identity-doubtful")
    #expect(failure?.isFatal == true)
  }

  /// A server whose probabilities say nothing is told by what it answers.
  @Test func differentTextsAreDifferentModelsWhateverTheProbabilities() async throws {
    let server = try ScriptedHTTPServer { exchange in
      let scale = exchange.request.components(separatedBy: "\"scale\":1").count - 1
      Self.say(exchange, "text \(scale)", 0)
    }
    defer { server.stop() }
    let check = try Self.check(server)
    for variant in [[], Self.lox, Self.both] { try await check.verify(variant) }
  }

  /// Batching makes equal requests differ a little; that is no sign of another model.
  @Test func noiseIsNoDifference() async throws {
    let server = try ScriptedHTTPServer { exchange in
      Self.say(exchange, "always this", -0.5 - Double(exchange.number % 4) / 1_000)
    }
    defer { server.stop() }
    let check = try Self.check(server)
    try await check.verify([])
    await #expect(throws: ChatFailure.self) { try await check.verify(Self.lox) }
  }

  @Test func anotherModelBehindTheAddressIsCaught() async throws {
    let server = try ScriptedHTTPServer(Self.honest)
    defer { server.stop() }
    let before = IdentityCheck.Signature(
      texts: ["a", "b"], logprobs: [[-0.9], [-0.9]], noise: 0)
    let failure = await #expect(throws: ChatFailure.self) {
      try await Self.check(server, known: [[]: before]).verify([])
    }
    #expect(failure?.code == "identity-changed")
  }

  @Test func replicasMustServeTheSame() async throws {
    let servers = try [-0.5, -0.8].map { logprob in
      try ScriptedHTTPServer { Self.say($0, "x", logprob) }
    }
    defer { for server in servers { server.stop() } }
    let check = IdentityCheck(client: try EndpointPoolTests.client(servers.map(\.url)))
    let failure = await #expect(throws: ChatFailure.self) { try await check.verify([]) }
    #expect(failure?.code == "identity-changed")
  }

  @Test func missingAdaptersAreNamedWithTheirOption() throws {
    let loaded = [ServerProbe.Adapter(id: 4, name: nil, path: "/x/lox.gguf")]
    let dialect = try LlamaServerDialect(loaded: loaded, for: ["lox"], files: [:])
    #expect(dialect.adapterIDs == ["lox": 4])
    let failure = #expect(throws: ChatFailure.self) {
      try LlamaServerDialect(
        loaded: loaded, for: ["lox", "attack"],
        files: ["lox": "/a/lox.gguf", "attack": "/a/attack.gguf"])
    }
    #expect(failure?.message.contains("--lora /a/lox.gguf --lora /a/attack.gguf") == true)
  }

  /// llama.cpp's server would keep a place for the proof until all that ask the model before are answered.
  @Test(arguments: [(false, 0), (true, 4)])
  func aVariantIsProvenAheadWhereServersComputeItBesideOthers(
    isEmbedded: Bool, probes: Int
  ) async throws {
    let asked = Mutex(0)
    let server = try ScriptedHTTPServer { exchange in
      asked.withLock { $0 += 1 }
      Self.honest(exchange)
    }
    defer { server.stop() }
    let client = try ClientTests.client(
      server, dialect: LlamaServerDialect(adapterIDs: ["lox": 0], isEmbedded: isEmbedded))
    let check = IdentityCheck(client: client)
    let gate = VariantGate(
      client: client,
      servers: FixedServers([], client.dialect) { variant async throws(ChatFailure) in
        try await check.verify(variant)
      })
    await gate.anticipate(Self.lox)
    #expect(asked.withLock { $0 } == probes)
    // In its turn it is proven wherever it was not.
    try await gate.open(Self.lox)
    #expect(asked.withLock { $0 } == 4)
  }

  // MARK: - vLLM

  /// The names of a server's adapters.
  final class Loaded: Sendable {
    private let names = Mutex<[String]>([])

    func withLock<Value>(_ body: (inout [String]) -> Value) -> Value {
      names.withLock { names in body(&names) }
    }
  }

  /// A server with vLLM's way of loading adapters.
  static func vLLM(
    _ loaded: Loaded, reply: @escaping @Sendable (ScriptedHTTPServer.Exchange) -> Void
  ) throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { exchange in
      let text = exchange.request
      let name =
        text.components(separatedBy: "\"lora_name\":\"").dropFirst().first?.prefix { $0 != "\"" }
      if text.hasPrefix("GET /v1/models") {
        let names = (["base"] + loaded.withLock { $0 }).map { "{\"id\":\"\($0)\"}" }
        exchange.reply("{\"data\":[\(names.joined(separator: ","))]}")
      } else if text.hasPrefix("POST /v1/load"), let name {
        loaded.withLock { $0.append(String(name)) }
        exchange.reply("ok", type: "text/plain")
      } else if text.hasPrefix("POST /v1/unload"), let name {
        loaded.withLock { $0.removeAll { $0 == name } }
        exchange.reply("ok", type: "text/plain")
      } else {
        reply(exchange)
      }
    }
  }

  static func vLLMClient(_ server: ScriptedHTTPServer) throws -> OpenAIClient {
    try ClientTests.client(
      server,
      dialect: VLLMDialect(
        model: "base",
        nameOfAdapter: { "cell-\($0.count)" },
        write: { .init(name: "cell-\($0.count)", folder: URL(filePath: "/adapters"), rank: 24) },
        discard: { _ in }))
  }

  static func probe(_ server: ScriptedHTTPServer) throws -> ServerProbe {
    ServerProbe(
      endpoint: try Endpoint(server.url, environment: [:]), transport: Transport())
  }

  @Test func adaptersAreLoadedForTheirCellAndUnloadedAfterIt() async throws {
    let loaded = Loaded()
    let most = Mutex(0)
    let mixed = Mutex(false)
    let asked = Mutex<[String: Int]>([:])
    let server = try Self.vLLM(loaded) { exchange in
      most.withLock { most in most = max(most, loaded.withLock { $0.count }) }
      let model =
        exchange.request.components(separatedBy: "\"model\":\"").dropFirst().first?
        .prefix { $0 != "\"" }
      let name = String(model ?? "")
      let others = asked.withLock { asked in
        asked[name, default: 0] += 1
        return asked.filter { $0.value > 0 }.count
      }
      if others > 1 { mixed.withLock { $0 = true } }
      // Long enough for others to come.
      Thread.sleep(forTimeInterval: 0.1)
      asked.withLock { $0[name, default: 0] -= 1 }
      exchange.reply(
        "{\"model\":\"\(name)\",\"choices\":[{\"message\":{\"content\":\"\(name)\"}}]}")
    }
    defer { server.stop() }
    let client = try Self.vLLMClient(server)
    let gate = VariantGate(
      client: client,
      servers: FixedServers([try Self.probe(server)], client.dialect) {
        _ async throws(ChatFailure) in
      })
    let answers = await withTaskGroup(of: String.self) { group in
      for number in 0..<60 {
        group.addTask {
          var request = ClientTests.request
          request.variant = (0..<(number / 20)).map {
            ScaledUpdate(name: UpdateName(resembling: "u\($0)"), scale: 1)
          }
          do throws(ChatFailure) { return try await gate.complete(request).text } catch {
            return error.code.rawValue
          }
        }
      }
      return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    }
    #expect(answers == ["base": 20, "cell-1": 20, "cell-2": 20])
    #expect(most.withLock { $0 } <= 2)
    // vLLM may add an adapter to what others ask at the same time.
    #expect(!mixed.withLock { $0 })
    await gate.close()
    #expect(loaded.withLock { $0 }.isEmpty)
  }

  @Test func aServerThatAnswersAsTheBaseModelIsCaught() async throws {
    let loaded = Loaded()
    let server = try Self.vLLM(loaded) { exchange in
      exchange.reply("{\"model\":\"base\",\"choices\":[{\"message\":{\"content\":\"x\"}}]}")
    }
    defer { server.stop() }
    let client = try Self.vLLMClient(server)
    var request = ClientTests.request
    #expect(try await client.complete(request).text == "x")
    request.variant = Self.lox
    let failure = await #expect(throws: ChatFailure.self) { try await client.complete(request) }
    #expect(failure?.code == "wrong-model")
    #expect(failure?.isFatal == true)
  }

  @Test(arguments: [
    (
      "400 Bad Request", "{\"message\":\"LoRA rank 24 is greater than max_lora_rank 16.\"}",
      "adapter-rank", "--max-lora-rank 32"
    ),
    ("404 Not Found", "{}", "adapters-unsupported", "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"),
    ("400 Bad Request", "{\"message\":\"No adapter found\"}", "adapter-refused", "/adapters"),
  ])
  func refusedAdaptersSayWhatToDo(
    status: String, body: String, code: ErrorCode, naming: String
  ) async throws {
    let server = try ScriptedHTTPServer { exchange in
      if exchange.request.hasPrefix("GET") {
        exchange.reply("{\"data\":[{\"id\":\"base\"}]}")
      } else {
        exchange.reply(body, status: status)
      }
    }
    defer { server.stop() }
    let dialect = try Self.vLLMClient(server).dialect
    let probe = try Self.probe(server)
    try await dialect.prepare(Self.lox)
    let failure = await #expect(throws: ChatFailure.self) {
      try await dialect.load(Self.lox, at: probe, replacing: true)
    }
    #expect(failure?.code == code)
    #expect(failure?.message.contains(naming) == true, "\(failure!)")
  }

  @Test func plainServersAreOnePerModel() throws {
    let dialect = PlainDialect(routes: [Self.lox: .init(endpoints: [1], model: "lox1")])
    let fields = try dialect.fields(for: Self.lox)
    #expect(fields.endpoints == [1] && fields.model == "lox1")
    #expect(throws: ChatFailure.self) { try dialect.fields(for: Self.both) }
    #expect(throws: ChatFailure.self) { try PlainDialect().fields(for: Self.lox) }
  }
}
