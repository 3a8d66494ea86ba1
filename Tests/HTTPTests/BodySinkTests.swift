import Foundation
import Support
import Synchronization
import TestSupport
import Testing

@testable import HTTP

/// Bodies that are taken as they come, and threads that wait.
@Suite struct BodySinkTests {
  private final class Sink: BodySink {
    private let state = Mutex<(bytes: Data, heads: [ResponseHead])>((Data(), []))
    private let limit: Int

    init(limit: Int = .max) { self.limit = limit }

    var bytes: Data { state.withLock { $0.bytes } }
    var heads: [ResponseHead] { state.withLock { $0.heads } }

    func take(_ piece: Data, of head: ResponseHead) -> String? {
      state.withLock { state in
        state.bytes += piece
        state.heads.append(head)
        return state.bytes.count > limit ? "enough" : nil
      }
    }
  }

  private static let body = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 * 7) })

  private static func server() throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { exchange in
      if exchange.isHead {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\nX-Mark: m\r\n\r\n")
      } else if exchange.request.contains("/error") {
        exchange.reply("{\"error\":1}", status: "404 Not Found")
      } else if exchange.request.contains("/never") {
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
        Thread.sleep(forTimeInterval: 60)
      } else {
        exchange.reply(body, headers: ["X-Mark: m"])
      }
    }
  }

  private static func request(
    _ server: ScriptedHTTPServer, _ path: String, _ sink: Sink? = nil
  ) throws -> TransportRequest {
    var request = TransportRequest(url: try #require(URL(string: server.url + path)))
    request.sink = sink
    return request
  }

  /// More than is held of a body that is gathered.
  @Test func aBodyOfAnySizeIsHandedOver() throws {
    let server = try Self.server()
    defer { server.stop() }
    let transport = Transport(limits: .init(bodyBytes: 1_000))
    defer { transport.shutDown() }
    let sink = Sink()
    let response = try transport.sendWaiting(try Self.request(server, "/", sink))
    #expect(response.status == 200 && response.body.isEmpty)
    #expect(sink.bytes == Self.body)
    #expect(sink.heads.allSatisfy { $0.status == 200 && $0.headers["x-mark"] == "m" })
    #expect(throws: TransportError.bodyTooLarge(limit: 1_000)) {
      try transport.sendWaiting(try Self.request(server, "/"))
    }
  }

  @Test func pagesOfErrorsAreNoContents() throws {
    let server = try Self.server()
    defer { server.stop() }
    let transport = Transport()
    defer { transport.shutDown() }
    let sink = Sink()
    let response = try transport.sendWaiting(try Self.request(server, "/error", sink))
    #expect(response.status == 404 && response.body == Data("{\"error\":1}".utf8))
    #expect(sink.bytes.isEmpty)
  }

  @Test func headersAreAskedForAlone() throws {
    let server = try Self.server()
    defer { server.stop() }
    let transport = Transport(limits: .init(bodyBytes: 1_000))
    defer { transport.shutDown() }
    var request = try Self.request(server, "/")
    request.isHead = true
    let response = try transport.sendWaiting(request)
    #expect(response.headers["content-length"] == "3000000" && response.body.isEmpty)
  }

  @Test func whoTakesABodyMayRefuseTheRest() throws {
    let server = try Self.server()
    defer { server.stop() }
    let transport = Transport()
    defer { transport.shutDown() }
    let sink = Sink(limit: 1_000)
    #expect(throws: TransportError.refused("enough")) {
      try transport.sendWaiting(try Self.request(server, "/", sink))
    }
  }

  @Test func waitingEndsWhereNobodyWantsTheAnswer() throws {
    let server = try Self.server()
    defer { server.stop() }
    let transport = Transport()
    defer { transport.shutDown() }
    let sink = Sink()
    let request = try Self.request(server, "/never", sink)
    #expect(throws: TransportError.cancelled) {
      try transport.sendWaiting(request) { sink.bytes.count == 2 }
    }
  }
}
