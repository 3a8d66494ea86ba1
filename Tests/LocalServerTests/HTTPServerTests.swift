import Foundation
import Testing

@testable import LocalServer

/// What comes over real sockets, from clients that are not polite.
@Suite struct HTTPServerTests {
  /// A server that says what it was asked.
  private func echo(
    _ limits: HTTPLimits = HTTPLimits(), host: String = "127.0.0.1", mark: String = ""
  ) throws -> (HTTPServer, URL) {
    let listening = try ListeningSocket(host: host, port: 0)
    let server = HTTPServer(listening: listening, limits: limits) { request in
      HTTPReply(
        headers: [("Content-Type", "text/plain")],
        body: .whole(Data("\(mark)\(request.method) \(request.path) \(request.body.count)".utf8)))
    }
    try server.start()
    return (server, try #require(URL(string: "http://\(listening.authority)")))
  }

  private static func post(_ body: String, _ more: String = "") -> String {
    "POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(more)"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  private static func get(_ target: String, _ more: String = "") -> String {
    "GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(more)\r\n"
  }

  /// What is sent, the status that must come of it, and words of the reply; nil where any refusal will
  /// do, also closing without a word.
  private static let exchanges: [(String, Int?, String)] = [
    (get("/x"), 200, "GET /x 0"), (post("abc"), 200, "POST /x 3"),
    (get("/" + String(repeating: "a", count: 9_000)), 414, "address_too_long"),
    (get("/" + String(repeating: "a", count: 1_000_000)), nil, ""),
    (get("/x", "X: \(String(repeating: "a", count: 40_000))\r\n"), 431, "headers_too_large"),
    (get("/x", "X: \(String(repeating: "a", count: 1_000_000))\r\n"), nil, ""),
    (get("/x", String(repeating: "a: b\r\n", count: 3_000)), nil, ""),
    (String(repeating: "G", count: 1_000_000), nil, ""),
    (post(String(repeating: "x", count: 3_000)), 413, "request_too_large"),
    (
      "POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        + String(repeating: "64\r\n\(String(repeating: "x", count: 100))\r\n", count: 30)
        + "0\r\n\r\n", 413, "request_too_large"
    ),
    (
      "POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n", 200, "POST /x 3"
    ),
    (
      "POST /x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n",
      413, "request_too_large"
    ),
    ("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", nil, ""),
    ("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n", nil, ""),
    ("GET /x HTTP/9.9\r\nHost: localhost\r\n\r\n", nil, ""), ("\u{16}\u{3}\u{1}\r\n\r\n", nil, ""),
    (get("/x") + get("/y"), 200, "GET /x 0"),
  ]

  @Test(arguments: exchanges)
  func oneReplyToEach(request: String, status: Int?, says: String) async throws {
    var limits = HTTPLimits()
    limits.body = 2_048
    let (server, url) = try echo(limits)
    let client = try RawClient(url)
    client.say(request)
    let reply = await client.read(until: status == 413 ? "request_too_large" : nil)
    if let status {
      #expect(reply.hasPrefix("HTTP/1.1 \(status) "), "\(reply.prefix(200))")
      #expect(reply.contains(says), "\(reply.prefix(400))")
    } else {
      #expect(reply.isEmpty || reply.hasPrefix("HTTP/1."), "\(reply.prefix(200))")
      #expect(!reply.contains(" 200 "), "\(reply.prefix(200))")
    }
    // Whatever that was, the next client is served.
    let next = try RawClient(url)
    next.say(Self.get("/x"))
    #expect(await next.read().hasSuffix("GET /x 0"))
    await server.stop()
  }

  @Test(arguments: [
    ("", "headers"), ("GET /x HTT", "headers"),
    ("GET /x HTTP/1.1\r\nHost: localhost\r\n", "headers"),
    ("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab", "body"),
    (
      "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "body"
    ),
  ])
  func whatDoesNotComeInTimeIsNotWaitedFor(beginning: String, what: String) async throws {
    var limits = HTTPLimits()
    limits.headerTime = .milliseconds(200)
    limits.bodyTime = .milliseconds(200)
    let (server, url) = try echo(limits)
    let client = try RawClient(url)
    client.say(beginning)
    let reply = await client.read()
    #expect(reply.hasPrefix("HTTP/1.1 408 "))
    #expect(reply.contains("the request's \(what) did not arrive in time"))
    await server.stop()
  }

  @Test func connectionsAreKeptUntilTheyAreIdle() async throws {
    var limits = HTTPLimits()
    limits.idleTime = .milliseconds(300)
    let (server, url) = try echo(limits)
    let client = try RawClient(url)
    for path in ["/a", "/b"] {
      client.say("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(await client.read(until: "GET \(path) 0").hasPrefix("HTTP/1.1 200 "))
    }
    // Closed without a word that the next request would take for its reply.
    #expect(await client.read() == "")
    await server.stop()
  }

  @Test func headIsGetWithoutItsBodyAndContinueIsSaid() async throws {
    let (server, url) = try echo()
    let head = try RawClient(url)
    head.say("HEAD /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    let reply = await head.read()
    #expect(reply.hasPrefix("HTTP/1.1 200 "))
    #expect(reply.contains("Content-Length: 9\r\n"))
    #expect(reply.hasSuffix("\r\n\r\n"))
    let waiting = try RawClient(url)
    waiting.say(
      "POST /x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
        + "Connection: close\r\n\r\n")
    #expect(await waiting.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
    waiting.say("abc")
    #expect(await waiting.read().hasSuffix("POST /x 3"))
    await server.stop()
  }

  @Test func silentCrowdsPushNobodyOut() async throws {
    var limits = HTTPLimits()
    limits.connections = 24
    let (server, url) = try echo(limits)
    var crowd: [RawClient] = []
    for _ in 0..<100 {
      crowd.append(try RawClient(url))
      if crowd.count.isMultiple(of: 10) {
        let client = try RawClient(url)
        client.say(Self.get("/x"))
        #expect(await client.read().hasSuffix("GET /x 0"))
      }
    }
    withExtendedLifetime(crowd) {}
    await server.stop()
  }

  /// Both while the reply is made and while it is streamed.
  @Test(arguments: [false, true])
  func aClientThatLeavesCancelsItsWork(isStreamed: Bool) async throws {
    let started = AsyncStream<Void>.makeStream()
    let cancelled = AsyncStream<Void>.makeStream()
    @Sendable func untilCancelled() async {
      started.continuation.finish()
      try? await Task.sleep(for: .seconds(3_600))
      cancelled.continuation.finish()
    }
    let listening = try ListeningSocket(host: "127.0.0.1", port: 0)
    let server = HTTPServer(listening: listening, limits: HTTPLimits()) { _ in
      guard isStreamed else {
        await untilCancelled()
        return HTTPReply(body: .whole(Data()))
      }
      return HTTPReply(
        body: .events { send in
          send(Data("first".utf8))
          await untilCancelled()
        })
    }
    try server.start()
    var client: RawClient? = try RawClient(
      try #require(URL(string: "http://\(listening.authority)")))
    client?.say(Self.get("/x"))
    if isStreamed { #expect(await client?.read(until: "first").contains("200") == true) }
    for await _ in started.stream {}
    client = nil
    for await _ in cancelled.stream {}
    await server.stop()
  }

  @Test(arguments: ["::1", "[::1]", "localhost", "::"])
  func addressesOfVersion6AreServed(host: String) async throws {
    let (server, url) = try echo(host: host)
    #expect(server.listening.isLoopback == (host != "::"))
    let client = try RawClient(url)
    client.say(Self.get("/x"))
    #expect(await client.read().hasSuffix("GET /x 0"))
    await server.stop()
  }

  @Test func whatCannotBeListenedAtIsSaid() throws {
    for host in ["192.0.2.1", "no such host"] {
      let error = #expect(throws: LocalServerError.self) {
        try ListeningSocket(host: host, port: 0)
      }
      #expect(error.map { "\($0)".contains("cannot listen at \(host):0") } == true)
    }
    let taken = try ListeningSocket(host: "127.0.0.1", port: 0)
    defer { close(taken.descriptor) }
    let port = try #require(UInt16(taken.authority.split(separator: ":")[1]))
    #expect(throws: LocalServerError.self) { try ListeningSocket(host: "127.0.0.1", port: port) }
  }

  @Test func stoppingEndsWhatIsUnderWayAndTwiceIsFine() async throws {
    let (server, url) = try echo(mark: "the stopped one: ")
    let idle = try RawClient(url)
    await server.stop()
    await server.stop()
    #expect(await idle.read() == "")
    // Another test's server may have its port by now.
    let client = try? RawClient(url)
    client?.say(Self.get("/x"))
    #expect(await client?.read().contains("the stopped one") != true)
  }
}
