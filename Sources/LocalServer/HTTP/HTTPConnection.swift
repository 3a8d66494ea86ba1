import CMicrohttpd
import Foundation
import Synchronization

/// One client's connection: how long it may stay as it is, and the request under way.
///
/// libmicrohttpd's own timeout starts anew with every byte, and nobody looks at a socket whose
/// request is being answered. Both are seen to here.
final class HTTPConnection: Sendable {
  /// What the connection waits for, and until when.
  enum Phase: Sendable {
    /// The client has `until` to send its headers.
    case headers(until: ContinuousClock.Instant)
    case body(until: ContinuousClock.Instant)
    /// The reply is being made: it takes as long as it takes, and the client decides when to give up.
    case answering
    case sending(until: ContinuousClock.Instant)
    /// Between two requests.
    case idle(until: ContinuousClock.Instant)

    var deadline: ContinuousClock.Instant? {
      switch self {
      case .headers(let until), .body(let until), .sending(let until), .idle(let until): until
      case .answering: nil
      }
    }
  }

  private struct State {
    var phase: Phase
    /// When `phase` began.
    var since = ContinuousClock.now
    /// Where `phase` has not been answered in time, or the server ends: nothing more is read.
    var isShut = false
  }

  private let socket: Int32
  private let state: Mutex<State>
  /// The request under way; touched by the connection's own thread alone.
  nonisolated(unsafe) var exchange: HTTPExchange?
  /// The target of the request that is being read, as it was sent.
  nonisolated(unsafe) var target = ""

  init(socket: Int32, phase: Phase) {
    self.socket = socket
    state = Mutex(State(phase: phase))
  }

  var phase: Phase {
    get { state.withLock { $0.phase } }
    set {
      state.withLock { state in
        state.phase = newValue
        state.since = .now
      }
    }
  }

  var isShut: Bool { state.withLock { $0.isShut } }

  /// Since when it has been waiting for a request; nil where it is not, or is shut.
  var waitingSince: ContinuousClock.Instant? {
    state.withLock { state in
      switch state.phase {
      case .headers, .idle: state.isShut ? nil : state.since
      case .body, .answering, .sending: nil
      }
    }
  }

  /// Ends the connection where its time is up. Its thread notices as if the client had left.
  func enforce(now: ContinuousClock.Instant) {
    let expired = state.withLock { state -> Phase? in
      guard !state.isShut, let deadline = state.phase.deadline, deadline < now else { return nil }
      state.isShut = true
      return state.phase
    }
    switch expired {
    case .headers: close(saying: Self.late("headers"))
    case .body: close(saying: Self.late("body"))
    case .answering, .sending, .idle: close(saying: "")
    case nil: break
    }
  }

  /// Ends the connection without a word. Must not be called once the socket is closed, which
  /// `HTTPServer` sees to.
  func shut() {
    let isFirst = state.withLock { state in
      defer { state.isShut = true }
      return !state.isShut
    }
    if isFirst { close(saying: "") }
  }

  /// Nothing of a reply is on its way where there is something to say: libmicrohttpd still waits for
  /// the request.
  private func close(saying message: String) {
    let bytes = Array(message.utf8)
    if !bytes.isEmpty {
      _ = unsafe bytes.withUnsafeBytes {
        unsafe send(socket, $0.baseAddress, $0.count, Self.quietly)
      }
    }
    shutdown(socket, Int32(SHUT_RDWR))
  }

  /// Whether the client has closed its side. One that has already sent its next request is taken to
  /// be there.
  var isDeserted: Bool {
    if isShut { return true }
    var byte: UInt8 = 0
    let count = unsafe recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
  }

  #if canImport(Glibc)
    private static let quietly = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
  #else
    private static let quietly = MSG_DONTWAIT
  #endif

  private static func late(_ what: String) -> String {
    let body = Reply.encode(
      APIError(
        status: 408,
        error: APIError.Body(
          message: "the request's \(what) did not arrive in time; send the request again",
          type: "invalid_request_error", param: nil, code: "request_timeout")))
    return "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
      + String(decoding: body, as: UTF8.self)
  }
}
