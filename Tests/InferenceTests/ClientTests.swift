import Foundation
import HTTP
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// The client against a server that behaves as servers do on their bad days.
@Suite(.serialized) struct ClientTests {
  static let request = ChatRequest(
    messages: [ChatMessage(role: .user, content: "Hello?")],
    decoding: Decoding(maxTokens: 8, seed: 3))

  static func client(
    _ server: ScriptedHTTPServer, limits: Transport.Limits = Transport.Limits(),
    retries: Int = 0, key: String? = nil, dialect: any ServerDialect = PlainDialect(),
    time: any TimeSource = HurriedTime()
  ) throws -> OpenAIClient {
    OpenAIClient(
      endpoint: try Endpoint(
        server.url, environment: key.map { ["LOXEVAL_API_KEY": $0] } ?? [:]),
      model: "m", dialect: dialect, transport: Transport(limits: limits),
      retries: RetryPolicy(maxRetries: retries), time: time)
  }

  @Test func anAnswerIsReadWhole() async throws {
    let server = try ScriptedHTTPServer { $0.say("Good day \\u00fc.") }
    defer { server.stop() }
    let reply = try await Self.client(server).complete(Self.request)
    #expect(reply.text == "Good day ü.")
    #expect(reply.finishReason == "stop")
    #expect(reply.attempts == 1)
    #expect(reply.completionTokens == 2)
  }

  @Test func decodingIsAlwaysExplicitAndVariantsAreListed() async throws {
    let seen = Mutex("")
    let server = try ScriptedHTTPServer { exchange in
      seen.withLock { $0 = exchange.request }
      exchange.say("x")
    }
    defer { server.stop() }
    var request = Self.request
    request.variant = [ScaledUpdate(name: "b", scale: 0.5)]
    _ = try await Self.client(
      server, dialect: LlamaServerDialect(adapterIDs: ["a": 0, "b": 1])
    ).complete(request)
    let text = seen.withLock { $0 }
    for part in [
      "POST /v1/chat/completions ", "\"temperature\":0", "\"top_p\":1", "\"seed\":3",
      "\"max_tokens\":8", "\"lora\":[{\"id\":0,\"scale\":0},{\"id\":1,\"scale\":0.5}]",
      "\"cache_prompt\":false",
      "\"model\":\"m\"",
    ] {
      #expect(text.contains(part), "\(part)")
    }
  }

  @Test func anUnknownUpdateIsNeverSentAsTheBareModel() async throws {
    let server = try ScriptedHTTPServer { $0.say("x") }
    defer { server.stop() }
    var request = Self.request
    request.variant = [ScaledUpdate(name: "missing", scale: 1)]
    for dialect in [PlainDialect() as any ServerDialect, LlamaServerDialect(adapterIDs: ["a": 0])] {
      let client = try Self.client(server, dialect: dialect)
      let failure = await #expect(throws: ChatFailure.self) { try await client.complete(request) }
      #expect(failure?.isFatal == true)
    }
    #expect(server.requestCount == 0)
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    let code: ErrorCode
    var isFatal = false
    var limits = Transport.Limits(bodyBytes: 4 << 20)
    let script: @Sendable (ScriptedHTTPServer.Exchange) -> Void
    var testDescription: String { code.rawValue }
  }

  static let faults: [Fault] = [
    Fault(code: "malformed-reply") { $0.reply("{\"choices\":[{\"mess") },
    Fault(code: "connection") {
      $0.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
      $0.reset()
    },
    Fault(code: "connection") { $0.reset() },
    Fault(code: "wrong-content-type") { $0.reply("<html>busy</html>", type: "text/html") },
    Fault(code: "invalid-utf8") { $0.reply(Data([0x7B, 0xFF, 0xFE, 0x7D])) },
    Fault(code: "no-choices") { $0.reply("{\"choices\":[]}") },
    Fault(code: "no-choices") { $0.reply("{\"answer\":\"yes\"}") },
    Fault(code: "no-content") { $0.reply("{\"choices\":[{\"message\":{\"content\":null}}]}") },
    Fault(code: "error-in-reply") { $0.reply("{\"error\":{\"message\":\"out of memory\"}}") },
    Fault(code: "no-answer-within-limit") {
      $0.reply(
        "{\"choices\":[{\"message\":{\"content\":\"\",\"reasoning_content\":\"Hm.\"},"
          + "\"finish_reason\":\"length\"}]}")
    },
    Fault(code: "no-answer-within-limit") {
      $0.reply("{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"length\"}]}")
    },
    Fault(code: "no-answer-within-limit") {
      $0.reply(
        "{\"choices\":[{\"message\":{\"content\":\"<think>Let me see\"},"
          + "\"finish_reason\":\"length\"}]}")
    },
    Fault(code: "filtered") {
      $0.reply(
        "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"content_filter\"}]}")
    },
    Fault(code: "http-400") { $0.reply("{}", status: "400 Bad Request") },
    Fault(code: "http-401", isFatal: true) { $0.reply("{}", status: "401 Unauthorized") },
    Fault(code: "http-403", isFatal: true) { $0.reply("{}", status: "403 Forbidden") },
    Fault(code: "http-404", isFatal: true) { $0.reply("{}", status: "404 Not Found") },
    Fault(code: "http-429") { $0.reply("{}", status: "429 Too Many Requests") },
    Fault(code: "http-500") { $0.reply("{}", status: "500 Internal Server Error") },
    Fault(code: "redirect", isFatal: true) {
      $0.reply("", status: "302 Found", headers: ["Location: http://127.0.0.1:1/elsewhere"])
    },
    Fault(code: "body-too-large") { exchange in
      exchange.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
      let block = Data(repeating: 32, count: 1 << 20)
      for _ in 0..<100 { exchange.send(block) }
    },
    Fault(code: "body-too-large") { exchange in
      exchange.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n")
    },
    Fault(code: "timeout", limits: .init(firstByteSeconds: 0.2)) { _ in
      Thread.sleep(forTimeInterval: 1.5)
    },
    Fault(code: "timeout", limits: .init(bodySeconds: 0.2)) { exchange in
      exchange.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n")
      for _ in 0..<15 {
        exchange.send(" ")
        Thread.sleep(forTimeInterval: 0.1)
      }
    },
  ]

  @Test(arguments: faults) func faultsAreNamed(fault: Fault) async throws {
    let server = try ScriptedHTTPServer(fault.script)
    defer { server.stop() }
    let client = try Self.client(server, limits: fault.limits, key: "sk-secret")
    defer { client.transport.shutDown() }
    let failure = await #expect(throws: ChatFailure.self) {
      try await client.complete(Self.request)
    }
    #expect(failure?.code == fault.code, "\(String(describing: failure))")
    #expect(failure?.isFatal == fault.isFatal)
    #expect(failure?.message.contains("sk-secret") == false)
  }

  @Test func theKeyIsSentAndNeverShown() async throws {
    let seen = Mutex("")
    let server = try ScriptedHTTPServer { exchange in
      seen.withLock { $0 = exchange.request }
      exchange.reply("{\"echo\":\"Bearer sk-secret\"}", status: "400 Bad Request")
    }
    defer { server.stop() }
    let client = try Self.client(server, key: "sk-secret")
    let failure = await #expect(throws: ChatFailure.self) {
      try await client.complete(Self.request)
    }
    #expect(seen.withLock { $0 }.contains("Authorization: Bearer sk-secret"))
    #expect("\(failure!)".contains("[key]"))
    #expect(!"\(failure!)".contains("sk-secret"))
  }

  @Test(arguments: ["429 Too Many Requests", "503 Service Unavailable", "408 Request Timeout"])
  func transientStatusesAreRetried(status: String) async throws {
    let server = try ScriptedHTTPServer { exchange in
      if exchange.number < 3 { exchange.reply("{}", status: status) } else { exchange.say("ok") }
    }
    defer { server.stop() }
    let reply = try await Self.client(server, retries: 5).complete(Self.request)
    #expect(reply.attempts == 4)
  }

  @Test func aBadRequestIsNotRepeated() async throws {
    let server = try ScriptedHTTPServer { $0.reply("{}", status: "422 Unprocessable") }
    defer { server.stop() }
    let client = try Self.client(server, retries: 5)
    await #expect(throws: ChatFailure.self) { try await client.complete(Self.request) }
    #expect(server.requestCount == 1)
  }

  @Test func resetsAreRetriedUntilTheLimit() async throws {
    let server = try ScriptedHTTPServer { $0.reset() }
    defer { server.stop() }
    let client = try Self.client(server, retries: 3)
    let failure = await #expect(throws: ChatFailure.self) {
      try await client.complete(Self.request)
    }
    #expect(failure?.attempts == 4)
  }

  @Test func retryAfterIsHonoured() async throws {
    let server = try ScriptedHTTPServer { exchange in
      if exchange.number == 0 {
        exchange.reply("{}", status: "429 Too Many Requests", headers: ["Retry-After: 1"])
      } else {
        exchange.say("ok")
      }
    }
    defer { server.stop() }
    let time = HurriedTime()
    _ = try await Self.client(server, retries: 1, time: time).complete(Self.request)
    #expect(time.now >= .seconds(1))
  }

  @Test func retryAfterIsReadInBothForms() throws {
    let now = Date(timeIntervalSince1970: 1_700_000_000)  // Tue, 14 Nov 2023 22:13:20 GMT
    #expect(RetryPolicy.seconds(of: "7", now: now) == 7)
    #expect(RetryPolicy.seconds(of: "Tue, 14 Nov 2023 22:13:50 GMT", now: now) == 30)
    #expect(RetryPolicy.seconds(of: "Tue, 14 Nov 2023 22:00:00 GMT", now: now) == 0)
    #expect(RetryPolicy.seconds(of: "soon", now: now) == nil)
    let policy = RetryPolicy(longestServerDelaySeconds: 20)
    #expect(policy.delay(retry: 0, asked: 3600) == 20)
    for retry in 0..<8 {
      let delay = policy.delay(retry: retry, asked: nil)
      let full = min(30, 0.5 * pow(2, Double(retry)))
      #expect(delay >= full / 2 && delay <= full)
    }
  }

  @Test func manyRequestsAreAnsweredOnceOverFewConnections() async throws {
    let server = try ScriptedHTTPServer { exchange in
      // The answer carries the question's number, so that a mix-up would show.
      let mark = exchange.request.components(separatedBy: "Q#").dropFirst().first ?? ""
      exchange.say("A" + mark.prefix { $0.isNumber })
    }
    defer { server.stop() }
    let client = try Self.client(server, limits: Transport.Limits(connections: 8))
    let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
      for number in 0..<200 {
        group.addTask {
          var request = Self.request
          request.messages[0].content = "Q#\(number)"
          return (number, try await client.complete(request).text)
        }
      }
      return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
    }
    #expect(answers.count == 200)
    #expect(answers.allSatisfy { $0.value == "A\($0.key)" })
    #expect(server.requestCount == 200)
    #expect(server.mostConnections <= 8)
    #expect(server.connectionCount <= 16)
  }

  @Test func cancellationAbortsTheTransfer() async throws {
    let server = try ScriptedHTTPServer { _ in Thread.sleep(forTimeInterval: 3) }
    defer { server.stop() }
    let client = try Self.client(server, retries: 5)
    let task = Task { try await client.complete(Self.request) }
    while server.requestCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
    let start = ContinuousClock.now
    task.cancel()
    let result = await task.result
    #expect(throws: ChatFailure.self) { try result.get() }
    #expect(ContinuousClock.now - start < .seconds(1))
  }

  /// A request that comes just after the end is told so, at whatever moment the transport's thread looks.
  @Test func requestsAfterTheEndFailAtOnce() async throws {
    let endpoint = try Endpoint("http://127.0.0.1:1", environment: [:])
    for _ in 0..<100 {
      let client = OpenAIClient(endpoint: endpoint, transport: Transport())
      client.transport.shutDown()
      let failure = await #expect(throws: ChatFailure.self) {
        try await client.complete(Self.request)
      }
      #expect(failure?.code == "shut-down")
    }
  }

  @Test func nobodyListening() async throws {
    let client = OpenAIClient(
      endpoint: try Endpoint("http://127.0.0.1:1", environment: [:]), transport: Transport(),
      retries: RetryPolicy(maxRetries: 1), time: HurriedTime())
    let failure = await #expect(throws: ChatFailure.self) {
      try await client.complete(Self.request)
    }
    #expect(failure?.code == "connection")
    #expect(failure?.attempts == 2)
  }

  @Test func aServerThatLoadsIsWaitedFor() async throws {
    let server = try ScriptedHTTPServer { exchange in
      exchange.reply("{}", status: exchange.number < 2 ? "503 Service Unavailable" : "200 OK")
    }
    defer { server.stop() }
    let endpoint = try Endpoint(server.url, environment: [:])
    try await ServerProbe(endpoint: endpoint, transport: Transport(), time: HurriedTime())
      .waitUntilReady(seconds: 5)
    #expect(server.requestCount == 3)
  }

  @Test func aServerThatNeverLoadsIsGivenUpInTime() async throws {
    let server = try ScriptedHTTPServer { $0.reply("{}", status: "503 Service Unavailable") }
    defer { server.stop() }
    let time = HurriedTime()
    let probe = ServerProbe(
      endpoint: try Endpoint(server.url, environment: [:]), transport: Transport(), time: time)
    let failure = await #expect(throws: ChatFailure.self) {
      try await probe.waitUntilReady(seconds: 5)
    }
    #expect(failure?.code == "not-ready")
    #expect(failure?.message.contains("status 503") == true)
    #expect(time.now == .seconds(5))
    #expect(server.requestCount == 20)
  }

  @Test(arguments: [
    ("http://h:8080", "http://h:8080/v1/models"), ("http://h:8080/", "http://h:8080/v1/models"),
    ("https://h/v1", "https://h/v1/models"), ("https://h/api/v1/", "https://h/api/v1/models"),
    ("https://h/v1beta/openai", "https://h/v1beta/openai/models"),
    ("https://h/api/paas/v4/", "https://h/api/paas/v4/models"),
    ("https://h/v1/chat/completions", "https://h/v1/models"),
    ("https://h/d/chat/completions?api-version=1", "https://h/d/models?api-version=1"),
    ("https://u:p@h/v1", "https://h/v1/models"), (" http://h:8080\n", "http://h:8080/v1/models"),
  ])
  func endpointsTakeBothForms(text: String, models: String) throws {
    #expect(try Endpoint(text, environment: [:]).url("models").absoluteString == models)
  }

  @Test(arguments: ["", "h:8080", "ftp://h", "http://"]) func badEndpointsAreRefused(text: String) {
    #expect(throws: TransportError.self) { _ = try Endpoint(text, environment: [:]) }
  }
}
