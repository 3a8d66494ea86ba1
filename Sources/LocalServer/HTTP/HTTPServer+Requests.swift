import CMicrohttpd
import Foundation

extension HTTPConnection {
  static func of(_ connection: OpaquePointer?) -> HTTPConnection? {
    guard let context = unsafe loxeval_connection_context(connection) else { return nil }
    return unsafe Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue()
  }
}

extension HTTPServer {
  /// Takes the next of a request: its headers, a piece of its body, and, with no bytes, its end.
  ///
  /// - Returns: false to close the connection.
  func proceed(
    _ handle: OpaquePointer, method: String, _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard let connection = unsafe HTTPConnection.of(handle) else { return false }
    guard let exchange = unsafe connection.exchange else {
      let exchange = unsafe begin(handle, connection, method: method)
      unsafe connection.exchange = exchange
      connection.phase = .body(until: .now + limits.bodyTime)
      guard let refusal = exchange.refusal, exchange.request.awaitsContinue else { return true }
      return unsafe send(refusal, on: connection, handle)
    }
    if unsafe !bytes.isEmpty { return unsafe exchange.append(bytes) }
    connection.phase = .answering
    guard let reply = exchange.answer(on: connection, respond) else { return false }
    return unsafe send(reply, on: connection, handle)
  }

  private func begin(
    _ handle: OpaquePointer, _ connection: HTTPConnection, method: String
  ) -> HTTPExchange {
    var request = HTTPRequest(method: method, path: "")
    var headers = Headers()
    unsafe withUnsafeMutablePointer(to: &headers) { pointer in
      unsafe loxeval_each_header(
        handle,
        { context, _, name, value in
          guard let context = unsafe context, let name = unsafe name else {
            return loxeval_result(true)
          }
          let text = unsafe value.map { unsafe String(cString: $0) } ?? ""
          unsafe context.assumingMemoryBound(to: Headers.self).pointee.all
            .append((String(cString: name), text))
          return loxeval_result(true)
        }, pointer)
    }
    request.headers = headers.all
    request.read(target: unsafe connection.target)
    var refusal: HTTPReply?
    if unsafe connection.target.utf8.count > limits.target {
      refusal = .error(.targetTooLong(limit: limits.target))
    } else if unsafe loxeval_header_bytes(handle) > limits.headers {
      refusal = .error(.headersTooLarge(limit: limits.headers))
    } else if let length = request.values(of: "Content-Length").first.flatMap(Int.init),
      length > limits.body
    {
      refusal = .error(.tooLarge(limit: limits.body))
    }
    return HTTPExchange(request, refusal: refusal, bodyLimit: limits.body)
  }

  private struct Headers {
    var all: [(name: String, value: String)] = []
  }

  private func send(
    _ reply: HTTPReply, on connection: HTTPConnection, _ handle: OpaquePointer
  ) -> Bool {
    let response: OpaquePointer?
    switch reply.body {
    case .whole(let data):
      unsafe response = data.withUnsafeBytes {
        unsafe loxeval_create_response($0.baseAddress, $0.count)
      }
    case .events(let produce):
      let body = EventBody(produce, on: connection, sendTime: limits.sendTime)
      let context = unsafe Unmanaged.passRetained(body).toOpaque()
      unsafe response = loxeval_create_stream(
        { context, _, start, room in
          guard let context = unsafe context else { return loxeval_end_with_error }
          let body = unsafe Unmanaged<EventBody>.fromOpaque(context).takeUnretainedValue()
          let buffer = unsafe UnsafeMutableRawBufferPointer(start: start, count: room)
          switch unsafe body.read(into: buffer) {
          case .bytes(let count): return count
          case .end: return loxeval_end_of_stream
          case .deserted: return loxeval_end_with_error
          }
        }, context,
        { context in
          guard let context = unsafe context else { return }
          unsafe Unmanaged<EventBody>.fromOpaque(context).release()
        })
    }
    guard let response = unsafe response else { return false }
    defer { unsafe MHD_destroy_response(response) }
    for (name, value) in reply.headers {
      _ = unsafe MHD_add_response_header(response, name, value)
    }
    connection.phase = .sending(until: .now + limits.sendTime)
    return unsafe loxeval_queue(handle, UInt32(reply.status), response)
  }
}

extension HTTPRequest {
  /// Whether the client waits for leave to send its body.
  var awaitsContinue: Bool {
    values(of: "Expect").contains { $0.lowercased() == "100-continue" }
  }

  /// Reads the request line's target: a path, or an address with its host, which proxies send.
  mutating func read(target: String) {
    var rest = Substring(target)
    if let scheme = rest.range(of: "://"), !rest.hasPrefix("/") {
      rest = rest[scheme.upperBound...]
      let end = rest.firstIndex { "/?".contains($0) } ?? rest.endIndex
      headers.removeAll { $0.name.lowercased() == "host" }
      headers.append(("Host", String(rest[..<end])))
      rest = rest[end...]
    }
    let encoded = String(rest.prefix { $0 != "?" })
    path = encoded.removingPercentEncoding ?? encoded
    if path.isEmpty { path = "/" }
  }
}
