import Foundation
import HTTP
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// Fields that servers refuse, limits that they keep, addresses and lists in their forms.
@Suite(.serialized) struct ServerMannersTests {
  // MARK: - Fields

  /// A server that refuses a field for as long as it is sent.
  static func refusing(_ field: String, _ body: String) throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { exchange in
      if exchange.request.contains("\"\(field)\":") {
        exchange.reply(body, status: "400 Bad Request")
      } else {
        exchange.say(exchange.request.contains("\"max_completion_tokens\":") ? "new" : "ok")
      }
    }
  }

  static func client(
    _ server: ScriptedHTTPServer, _ form: RequestForm = .usual, notes: Notes = Notes()
  ) throws -> OpenAIClient {
    OpenAIClient(
      endpoint: try Endpoint(server.url, environment: [:]), model: "m", transport: Transport(),
      form: AdaptableForm(form, note: { notes.add($0) }), time: HurriedTime())
  }

  final class Notes: Sendable {
    private let state = Mutex<[String]>([])
    var all: [String] { state.withLock { $0 } }
    func add(_ text: String) { state.withLock { $0.append(text) } }
  }

  @Test func aTokenLimitByItsNewNameIsKept() async throws {
    let server = try Self.refusing(
      "max_tokens",
      "{\"error\":{\"code\":\"unsupported_parameter\",\"param\":\"max_tokens\",\"message\":\"no\"}}"
    )
    defer { server.stop() }
    let client = try Self.client(server)
    for _ in 0..<3 { #expect(try await client.complete(ClientTests.request).text == "new") }
    #expect(server.requestCount == 4)
    #expect(client.form.value == RequestForm(refused: ["max_tokens"]))
  }

  @Test func aSeedIsLeftOutAndSaidOnce() async throws {
    let server = try Self.refusing("seed", "{\"message\":\"property 'seed' is unsupported\"}")
    defer { server.stop() }
    let notes = Notes()
    let client = try Self.client(server, notes: notes)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = try? await client.complete(ClientTests.request) } }
    }
    #expect(notes.all.count == 1)
    #expect(client.form.value.label == "without seed")
    #expect(try await client.complete(ClientTests.request).text == "ok")
  }

  @Test func greedyDecodingThatCannotBeHadStops() async throws {
    let body =
      "{\"error\":{\"code\":\"unsupported_value\",\"param\":\"temperature\",\"message\":\"no\"}}"
    let server = try Self.refusing("temperature", body)
    defer { server.stop() }
    let failure = await #expect(throws: ChatFailure.self) {
      try await Self.client(server).tryOut(Decoding(maxTokens: 8))
    }
    #expect(failure?.isFatal == true && failure?.message.contains("--omit temperature") == true)
    // What is asked for is what the server does anyway.
    let client = try Self.client(server)
    try await client.tryOut(Decoding(temperature: 1, maxTokens: 8))
    #expect(client.form.value.refused == ["temperature"])
    try await Self.client(server, RequestForm(omitted: ["temperature"]))
      .tryOut(Decoding(maxTokens: 8))
  }

  @Test func furtherFieldsAreSentAndOthersLeftOut() async throws {
    let seen = Mutex("")
    let server = try ScriptedHTTPServer { exchange in
      seen.withLock { $0 = exchange.request }
      exchange.say("x")
    }
    defer { server.stop() }
    let form = try RequestForm(
      extra: "{\"top_k\": 20, \"chat_template_kwargs\": {\"enable_thinking\": false}}",
      omitting: ["seed", "top_p"])
    _ = try await Self.client(server, form).complete(ClientTests.request)
    let text = seen.withLock { $0 }
    #expect(text.contains("\"top_k\":20") && text.contains("{\"enable_thinking\":false}"))
    #expect(!text.contains("\"seed\"") && !text.contains("\"top_p\""))
    #expect(try RequestForm(extra: "{}", omitting: []) == .usual)
    for extra in ["[]", "{", "{\"model\":\"x\"}", "{\"a\":1,\"a\":2}", "{\"temperature\":1}"] {
      #expect(throws: RequestFormError.self) { try RequestForm(extra: extra, omitting: []) }
    }
    #expect(throws: RequestFormError.self) { try RequestForm(extra: nil, omitting: ["model"]) }
    // Arguments of the template are one of these fields.
    let arguments = try JSONNode(parsing: Array(#"{"enable_thinking":false}"#.utf8))
    let told = try RequestForm(extra: #"{"top_k":20}"#, omitting: [])
      .with(templateArguments: arguments)
    #expect(told.extra == #"{"chat_template_kwargs":{"enable_thinking":false},"top_k":20}"#)
    #expect(try RequestForm.usual.with(templateArguments: .object([])) == .usual)
    #expect(throws: RequestFormError.twice("chat_template_kwargs")) {
      try form.with(templateArguments: arguments)
    }
  }

  // MARK: - Limits

  /// A gateway that takes so many requests a minute and says it only by 429.
  @Test(arguments: [
    [], ["Retry-After: 7"], ["retry-after-ms: 7000"],
    ["x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 7s"],
  ])
  func aLimitByTheMinuteIsSatOut(headers: [String]) async throws {
    let time = HurriedTime()
    let window = Mutex((number: -1, count: 0))
    let server = try ScriptedHTTPServer { exchange in
      let minute = Int(time.now / .seconds(60))
      let isOver = window.withLock { window in
        if window.number != minute { window = (minute, 0) }
        window.count += 1
        return window.count > 10
      }
      guard isOver else { return exchange.say("x") }
      exchange.reply(
        "{\"error\":{\"message\":\"Rate limit reached\"}}", status: "429 Too Many Requests",
        headers: headers)
    }
    defer { server.stop() }
    let client = OpenAIClient(
      endpoint: try Endpoint(server.url, environment: [:]), model: "m",
      transport: Transport(limits: .init(connections: 8)), time: time)
    let answered = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<60 {
        group.addTask { (try? await client.complete(ClientTests.request)) != nil }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(answered == 60)
  }

  @Test func anEndlessLimitIsGivenUpInTheServersWords() async throws {
    let server = try ScriptedHTTPServer {
      $0.reply("{\"error\":{\"message\":\"Try tomorrow\"}}", status: "429 Too Many Requests")
    }
    defer { server.stop() }
    let time = HurriedTime()
    let client = try ClientTests.client(server, retries: 6, time: time)
    let failure = await #expect(throws: ChatFailure.self) {
      try await client.complete(ClientTests.request)
    }
    #expect(failure?.message.contains("Try tomorrow") == true)
    #expect(time.now >= .seconds(300) && time.now < .seconds(600))
  }

  @Test(
    arguments: [
      (["retry-after": "7"], 7.0), (["retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"], 30),
      (["retry-after-ms": "250"], 0.25), (["x-ratelimit-reset": "20"], 20),
      (["x-ratelimit-reset": "1700000030"], 30), (["x-ratelimit-reset": "1700000030000"], 30),
      (["ratelimit-reset": "5"], 5), (["x-ratelimit-reset-tokens": "6m0s"], 360),
      (["x-ratelimit-reset-requests": "20ms"], 0.02),
      (["x-ratelimit-reset-requests": "1h2m3.5s"], 3_723.5),
      (["anthropic-ratelimit-requests-reset": "2023-11-14T22:13:50Z"], 30),
      (
        [
          "x-ratelimit-reset-tokens": "60s", "x-ratelimit-remaining-tokens": "9",
          "x-ratelimit-reset-requests": "2s", "x-ratelimit-remaining-requests": "0",
        ], 2
      ), ([:], nil), (["retry-after": "nan"], nil), (["retry-after": "-1"], nil),
      (["retry-after": "inf"], nil), (["retry-after": "1e308"], nil),
      (["retry-after": "86400"], 86_400),
    ] as [([String: String], Double?)])
  func timesToComeBackAreRead(headers: [String: String], seconds: Double?) {
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    let found = RateLimitHint.seconds(headers: headers, now: now)
    #expect(found.map { ($0 * 1_000).rounded() / 1_000 } == seconds)
  }

  @Test(
    arguments: [
      ("{\"error\":{\"details\":[{\"retryDelay\":\"34s\"}]}}", 34.0),
      ("{\"error\":{\"message\":\"Please try again in 7.66s. Visit\"}}", 7.66),
      ("{\"error\":{\"message\":\"try again in 120ms.\"}}", 0.12),
      ("{\"message\":\"Please retry after 20 seconds.\"}", 20),
      ("{\"error\":{\"metadata\":{\"headers\":{\"X-RateLimit-Reset\":\"9\"}}}}", 9),
      ("{\"error\":{\"message\":\"try again in a while\"}}", nil),
    ] as [(String, Double?)])
  func timesInBodiesAreRead(body: String, seconds: Double?) {
    let node = ServerJSON.parse(Data(body.utf8))
    #expect(RateLimitHint.seconds(headers: [:], body: node) == seconds)
  }

  // MARK: - Addresses and lists

  /// A server that has its API at one path and nothing elsewhere.
  static func server(at base: String, models: String?, health: String = "404 Not Found") throws
    -> ScriptedHTTPServer
  {
    try ScriptedHTTPServer { exchange in
      let path = exchange.request.split(separator: " ").dropFirst().first.map(String.init) ?? ""
      switch path {
      case base + "/models" where models != nil: exchange.reply(models ?? "")
      case base + "/chat/completions": exchange.say("x")
      case "/health": exchange.reply("{}", status: health)
      default: exchange.reply("{}", status: "404 Not Found")
      }
    }
  }

  @Test(arguments: [
    ("", "", true), ("", "", false), ("/v1", "", true), ("/v1", "/v1/", false),
    ("/v1", "/v1/chat/completions", true), ("/v1beta/openai", "/v1beta/openai", true),
    ("/api/paas/v4", "/api/paas/v4/", false), ("/prefix/v1", "/prefix", true),
    ("/prefix", "/prefix", false), ("/prefix", "/prefix/chat/completions", false),
  ])
  func theAddressIsUsedAsItIsMeant(base: String, given: String, isListing: Bool) async throws {
    let server = try Self.server(
      at: base, models: isListing ? "{\"data\":[{\"id\":\"m\"}]}" : nil)
    defer { server.stop() }
    let probe = ServerProbe(
      endpoint: try Endpoint(server.url + given, environment: [:]), transport: Transport(),
      time: HurriedTime())
    try await probe.waitUntilReady(seconds: 5)
    let place = try await probe.located()
    #expect(place.endpoint.chat.path == base + "/chat/completions")
    #expect(try await place.listedModels() == (isListing ? ["m"] : nil))
  }

  @Test(arguments: ["401 Unauthorized", "403 Forbidden", "405 Method Not Allowed", "302 Found"])
  func aHealthPathOfAnotherKindIsNoReasonToWait(status: String) async throws {
    let server = try Self.server(at: "/v1", models: "{\"data\":[]}", health: status)
    defer { server.stop() }
    let time = HurriedTime()
    try await ServerProbe(
      endpoint: try Endpoint(server.url, environment: [:]), transport: Transport(), time: time
    ).waitUntilReady(seconds: 5)
    #expect(time.now == .zero)
  }

  @Test func oneBadGatewayIsSatOut() async throws {
    let server = try ScriptedHTTPServer { exchange in
      if exchange.number < 3 {
        exchange.reply("<html>", status: "502 Bad Gateway", type: "text/html")
      } else {
        exchange.reply("{\"data\":[{\"id\":\"m\"}]}")
      }
    }
    defer { server.stop() }
    let probe = ServerProbe(
      endpoint: try Endpoint(server.url, environment: [:]), transport: Transport(),
      time: HurriedTime())
    #expect(try await probe.models() == ["m"])
  }

  @Test(
    arguments: [
      ("{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", ["a", "b"]),
      ("{\"models\":[{\"name\":\"a\"}]}", ["a"]), ("[{\"id\":\"a\"},\"b\"]", ["a", "b"]),
      ("{\"data\":[]}", []), ("{\"object\":\"list\"}", nil), ("<html>", nil),
    ] as [(String, [String]?)])
  func listsAreReadInEveryForm(body: String, names: [String]?) async throws {
    let server = try Self.server(at: "/v1", models: body)
    defer { server.stop() }
    let probe = ServerProbe(
      endpoint: try Endpoint(server.url + "/v1", environment: [:]), transport: Transport(),
      time: HurriedTime())
    #expect(try await probe.listedModels() == names)
  }

  @Test(
    arguments: [
      ([:], nil, "localhost,127.0.0.0/8,127.0.0.1,::1"),
      (["NO_PROXY": "*"], nil, "*"),
      (
        ["NO_PROXY": "10.0.0.0/8, *.example.org h:8080", "SSL_CERT_FILE": "/a"], "/a",
        "10.0.0.0/8,.example.org,h,localhost,127.0.0.0/8,127.0.0.1,::1"
      ),
      (
        ["no_proxy": "[::2]:1", "NO_PROXY": "x", "CURL_CA_BUNDLE": "/b", "SSL_CERT_FILE": "/a"],
        "/b",
        "::2,localhost,127.0.0.0/8,127.0.0.1,::1"
      ),
    ] as [([String: String], String?, String)])
  func theEnvironmentIsReadAsCurlDoes(
    environment: [String: String], file: String?, hosts: String
  ) {
    let found = NetworkEnvironment(environment)
    #expect(found.certificateFile == file)
    #expect(found.hostsWithoutProxy == hosts)
  }

  // MARK: - Hostile ones

  /// Interim responses without end are given up by their size, not by the time that a model may take.
  @Test func endlessHeadersAreGivenUp() async throws {
    for line in ["HTTP/1.1 100 Continue\r\n\r\n", "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaa\r\n"] {
      let server = try ScriptedHTTPServer { exchange in
        if line.hasPrefix("X") { exchange.send("HTTP/1.1 200 OK\r\n") }
        let block = Data(String(repeating: line, count: 100).utf8)
        for _ in 0..<500 { exchange.send(block) }
        exchange.reset()
      }
      defer { server.stop() }
      let failure = await #expect(throws: ChatFailure.self) {
        try await ClientTests.client(server).complete(ClientTests.request)
      }
      #expect(["headers-too-large", "connection"].contains(failure?.code.rawValue))
    }
  }
}
