package import Foundation
import Synchronization

/// A server on a loopback socket that does to each request whatever a test tells it to, byte by
/// byte: what no well-behaved server library would do.
package final class ScriptedHTTPServer: Sendable {
  /// A connection to one client, after its request was read.
  package struct Exchange: Sendable {
    let descriptor: Int32
    /// The number of the request, from 0, over all connections.
    package let number: Int
    /// The number of the connection, from 1.
    package let connection: Int
    /// Request line, headers and body.
    package let request: String

    package var isHead: Bool { request.hasPrefix("HEAD ") }

    /// Writes bytes as they are.
    package func send(_ data: Data) {
      var rest = [UInt8](data)[...]
      while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes {
          unsafe Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count <= 0 { return }
        rest = rest.dropFirst(count)
      }
    }

    package func send(_ text: String) { send(Data(text.utf8)) }

    /// A whole response with a JSON body.
    package func reply(
      _ body: String, status: String = "200 OK", type: String = "application/json",
      headers: [String] = []
    ) {
      reply(Data(body.utf8), status: status, type: type, headers: headers)
    }

    package func reply(
      _ body: Data, status: String = "200 OK", type: String = "application/json",
      headers: [String] = []
    ) {
      let lines =
        ["HTTP/1.1 \(status)", "Content-Type: \(type)", "Content-Length: \(body.count)"] + headers
      send(lines.joined(separator: "\r\n") + "\r\n\r\n")
      send(body)
    }

    /// A chat completion that says `text`.
    package func say(_ text: String) {
      reply(
        "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\(text)\"},"
          + "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}")
    }

    /// Ends the connection once what was sent has arrived.
    package func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Closes without a word more, as a crashed process does.
    package func reset() {
      var linger = linger(l_onoff: 1, l_linger: 0)
      unsafe setsockopt(
        descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
      shutdown(descriptor, Int32(SHUT_RDWR))
    }
  }

  private struct State {
    var requests = 0
    var connections = 0
    var open = 0
    var mostOpen = 0
  }

  package let port: UInt16
  private let listener: Int32
  private let state = Mutex(State())
  private let script: @Sendable (Exchange) -> Void

  /// - Parameter script: what to do with each request; runs on a thread of its connection.
  package init(_ script: @escaping @Sendable (Exchange) -> Void) throws {
    self.script = script
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        let isBound = unsafe bind(listener, raw, size) == 0 && listen(listener, 128) == 0
        return unsafe isBound && getsockname(listener, raw, &size) == 0
      }
    }
    guard bound else { throw CocoaError(.fileNoSuchFile) }
    port = UInt16(bigEndian: address.sin_port)
    Thread { self.accept() }.start()
  }

  package var url: String { "http://127.0.0.1:\(port)" }
  package var requestCount: Int { state.withLock { $0.requests } }
  package var connectionCount: Int { state.withLock { $0.connections } }
  /// The largest number of connections at a time.
  package var mostConnections: Int { state.withLock { $0.mostOpen } }

  package func stop() {
    // Ends the accepting thread, which closes the socket: closed here, its number could be taken by
    // another server's while that thread still waits on it.
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private func accept() {
    while true {
      let descriptor = Foundation.accept(listener, nil, nil)
      guard descriptor >= 0 else {
        close(listener)
        return
      }
      let number = state.withLock { state in
        state.connections += 1
        state.open += 1
        state.mostOpen = max(state.mostOpen, state.open)
        return state.connections
      }
      Thread {
        self.serve(descriptor, number)
        close(descriptor)
        self.state.withLock { $0.open -= 1 }
      }.start()
    }
  }

  private func serve(_ descriptor: Int32, _ connection: Int) {
    var received: [UInt8] = []
    while let request = read(descriptor, &received) {
      let number = state.withLock { state in
        defer { state.requests += 1 }
        return state.requests
      }
      script(
        Exchange(
          descriptor: descriptor, number: number, connection: connection, request: request))
    }
  }

  /// One request, headers and as much body as they announce.
  private func read(_ descriptor: Int32, _ received: inout [UInt8]) -> String? {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let text = String(decoding: received, as: UTF8.self)
      if let end = text.range(of: "\r\n\r\n") {
        let head = text[..<end.lowerBound].lowercased()
        let length =
          head.components(separatedBy: "content-length: ").dropFirst().first
          .flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        let needed = text[..<end.upperBound].utf8.count + length
        if received.count >= needed {
          defer { received.removeFirst(needed) }
          return String(decoding: received[..<needed], as: UTF8.self)
        }
      }
      let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { return nil }
      received += chunk[..<count]
    }
  }
}
