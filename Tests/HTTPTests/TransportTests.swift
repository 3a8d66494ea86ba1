import Foundation
import Support
import Synchronization
import TestSupport
import Testing

@testable import HTTP

/// Requests of several kinds over one connection, and what their answers begin with.
@Suite struct TransportTests {
  private final class Sink: BodySink {
    private let state = Mutex(Data())
    var bytes: Data { state.withLock { $0 } }

    func take(_ piece: Data, of head: ResponseHead) -> String? {
      state.withLock { $0 += piece }
      return nil
    }
  }

  private enum Kind: CaseIterable {
    case post, otherPost, get, head, sink
  }

  private func request(_ kind: Kind, _ url: URL, number: Int) -> TransportRequest {
    var request = TransportRequest(url: url)
    switch kind {
    case .post:
      request.body = Data("body \(number)".utf8)
      request.headers = ["X-Kind: one"]
    case .otherPost:
      request.body = Data(String(repeating: "b", count: 3_000).utf8)
      request.headers = ["X-Kind: two"]
    case .get: break
    case .head: request.isHead = true
    case .sink: request.sink = Sink()
    }
    return request
  }

  /// Handles are used again with what the last request of their kind set: nothing of another kind is left in them.
  @Test func eachRequestIsSentAsItIs() throws {
    let server = try ScriptedHTTPServer { exchange in
      if exchange.isHead {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
      } else {
        exchange.reply(exchange.request, type: "text/plain")
      }
    }
    defer { server.stop() }
    let transport = Transport(limits: .init(connections: 1))
    defer { transport.shutDown() }
    var generator = SplitMix64(seed: 7)
    for number in 0..<60 {
      let kind = Kind.allCases[Int(generator.next() % UInt64(Kind.allCases.count))]
      let url = try #require(URL(string: "\(server.url)/\(number % 2)"))
      let sent = request(kind, url, number: number)
      let response = try transport.sendWaiting(sent)
      let echo = String(
        decoding: (sent.sink as? Sink)?.bytes ?? response.body, as: UTF8.self)
      if kind == .head {
        #expect(echo.isEmpty && response.headers["content-length"] == "5")
        continue
      }
      #expect(echo.hasPrefix("\(sent.body == nil ? "GET" : "POST") /\(number % 2) HTTP/1.1\r\n"))
      #expect(echo.contains("X-Kind: one") == (kind == .post))
      #expect(echo.contains("X-Kind: two") == (kind == .otherPost))
      #expect(echo.hasSuffix("\r\n\r\n" + String(decoding: sent.body ?? Data(), as: UTF8.self)))
      #expect(echo.lowercased().contains("accept-encoding:") == (kind != .sink))
      #expect(!echo.contains("100-continue"))
    }
    #expect(server.connectionCount == 1)
  }

  @Test func aRequestThatCannotBeSentLeavesItsHandleUsable() throws {
    let server = try ScriptedHTTPServer { $0.reply("{}") }
    defer { server.stop() }
    let transport = Transport(limits: .init(connections: 1))
    defer { transport.shutDown() }
    let good = TransportRequest(url: try #require(URL(string: server.url)), body: Data("{}".utf8))
    for _ in 0..<2 {
      #expect(try transport.sendWaiting(good).status == 200)
      var bad = good
      bad.headers = ["X-Key: a\r\nX-Other: b"]
      #expect(throws: TransportError.self) { try transport.sendWaiting(bad) }
      bad = TransportRequest(url: try #require(URL(string: "ftp://127.0.0.1/")))
      #expect(throws: TransportError.invalidURL("ftp://127.0.0.1/")) {
        try transport.sendWaiting(bad)
      }
    }
    #expect(server.requestCount == 2)
  }

  @Test func headersAreThoseOfTheLastResponse() throws {
    let server = try ScriptedHTTPServer { exchange in
      exchange.send("HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\nX-Kept: early\r\n\r\n")
      exchange.reply(
        "{}", headers: ["x-KEPT:  \t late ", "X-Kept: last", "X-Empty:", "X-Secret: key-1234567"])
    }
    defer { server.stop() }
    let transport = Transport()
    defer { transport.shutDown() }
    var request = TransportRequest(url: try #require(URL(string: server.url)))
    request.secrets = Secrets(["key-1234567"])
    let headers = try transport.sendWaiting(request).headers
    #expect(headers["x-early"] == nil && headers["x-kept"] == "last" && headers["x-empty"] == "")
    #expect(headers["x-secret"] == Secrets.mark)
    #expect(headers.byName["content-type"] == "application/json")
  }
}
