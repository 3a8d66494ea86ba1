import CMicrohttpd
import Foundation
import Support
import Synchronization

/// HTTP/1.1 over libmicrohttpd: a function from requests to replies, with limits kept.
///
/// Each connection has a thread of its own, which waits for the reply to be made: whatever one
/// client does, it holds up no other.
final class HTTPServer: Sendable {
  /// How long replies that are on their way may still take when the server is stopped.
  private static let grace = Duration.seconds(2)

  let listening: ListeningSocket
  let limits: HTTPLimits
  let respond: @Sendable (HTTPRequest) async -> HTTPReply
  private let connectionLimit: Int

  private struct State {
    /// The daemon's address; nil where it is not running.
    var daemon: UInt?
    var connections: [ObjectIdentifier: HTTPConnection] = [:]
    /// Looks for connections whose time is up.
    var watch: Task<Void, Never>?
  }
  private let state = Mutex(State())

  init(
    listening: ListeningSocket, limits: HTTPLimits,
    respond: @escaping @Sendable (HTTPRequest) async -> HTTPReply
  ) {
    self.listening = listening
    self.limits = limits
    self.respond = respond
    connectionLimit = Self.affordable(limits.connections)
  }

  /// Begins to answer; lives until `stop`.
  func start() throws(LocalServerError) {
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    // Room for the largest headers, libmicrohttpd's own records of them, and the reply's headers.
    let memory = limits.target + 3 * limits.headers
    let daemon = unsafe loxeval_start_daemon(
      listening.descriptor, memory, UInt32(2 * connectionLimit), context,
      { context, connection, place, change in
        guard let server = unsafe HTTPServer.of(context), let place = unsafe place else { return }
        if loxeval_is_accepted(change) {
          let new = server.accepted(socket: unsafe loxeval_connection_socket(connection))
          unsafe place.pointee = Unmanaged.passRetained(new).toOpaque()
        } else if let old = unsafe place.pointee {
          server.closed(unsafe Unmanaged<HTTPConnection>.fromOpaque(old).takeRetainedValue())
        }
      },
      { context, target, connection in
        guard let server = unsafe HTTPServer.of(context),
          let connection = unsafe HTTPConnection.of(connection), let target = unsafe target
        else { return nil }
        server.targetArrived(unsafe String(cString: target), on: connection)
        return nil
      },
      { context, connection, _, method, _, bytes, count, _ in
        guard let server = unsafe HTTPServer.of(context), let connection = unsafe connection,
          let method = unsafe method, let count = unsafe count
        else { return loxeval_result(false) }
        let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: count.pointee)
        unsafe count.pointee = 0
        return unsafe loxeval_result(
          server.proceed(connection, method: String(cString: method), piece))
      },
      { context, connection, _, _ in
        guard let server = unsafe HTTPServer.of(context),
          let connection = unsafe HTTPConnection.of(connection)
        else { return }
        server.requestEnded(on: connection)
      })
    guard let daemon = unsafe daemon else {
      unsafe Unmanaged<HTTPServer>.fromOpaque(context).release()
      close(listening.descriptor)
      throw .cannotListen(
        address: listening.authority, reason: "there are no threads or memory left for a server")
    }
    let address = UInt(bitPattern: daemon)
    let watch = Task { [weak self] in
      while (try? await Task.sleep(for: .milliseconds(100))) != nil { self?.enforceDeadlines() }
    }
    state.withLock { state in
      state.daemon = address
      state.watch = watch
    }
  }

  /// Takes no further connection, lets replies on their way come to their end for a moment, and
  /// closes everything. Does nothing the second time.
  func stop() async {
    let address = state.withLock { state in
      defer { state.daemon = nil }
      return state.daemon
    }
    guard let address else { return }
    try? await runOnOwnThread(named: "loxeval-stop") { [self] in
      guard let daemon = unsafe OpaquePointer(bitPattern: address) else { return }
      _ = unsafe MHD_quiesce_daemon(daemon)
      let end = ContinuousClock.now + Self.grace
      while isAnswering && ContinuousClock.now < end { usleep(5_000) }
      state.withLock { state in
        state.watch?.cancel()
        for connection in state.connections.values { connection.shut() }
      }
      unsafe MHD_stop_daemon(daemon)
      close(listening.descriptor)
      unsafe Unmanaged.passUnretained(self).release()
    }
  }

  private var isAnswering: Bool {
    state.withLock { state in
      state.connections.values.contains { connection in
        switch connection.phase {
        case .body, .answering, .sending: true
        case .headers, .idle: false
        }
      }
    }
  }

  // MARK: - Connections

  private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPServer? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
  }

  private func accepted(socket: Int32) -> HTTPConnection {
    let connection = HTTPConnection(
      socket: socket, phase: .headers(until: .now + limits.headerTime))
    state.withLock { state in
      state.connections[ObjectIdentifier(connection)] = connection
      if state.connections.count > connectionLimit {
        // It is full of clients that say nothing, or will be: who has waited longest goes.
        state.connections.values.compactMap { old in old.waitingSince.map { (old, $0) } }
          .min { $0.1 < $1.1 }?.0.shut()
      }
    }
    return connection
  }

  /// The socket is closed after this, never before.
  private func closed(_ connection: HTTPConnection) {
    state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
  }

  private func targetArrived(_ target: String, on connection: HTTPConnection) {
    unsafe connection.target = target
    connection.phase = .headers(until: .now + limits.headerTime)
  }

  private func requestEnded(on connection: HTTPConnection) {
    unsafe connection.exchange = nil
    connection.phase = .idle(until: .now + limits.idleTime)
  }

  private func enforceDeadlines() {
    let now = ContinuousClock.now
    state.withLock { state in
      for connection in state.connections.values { connection.enforce(now: now) }
    }
  }

  /// A quarter of the descriptors that the process may have: those on their way out count too, and
  /// models and clients need some.
  private static func affordable(_ wanted: Int) -> Int {
    var limit = rlimit()
    #if canImport(Glibc)
      let result = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #else
      let result = unsafe getrlimit(RLIMIT_NOFILE, &limit)
    #endif
    guard result == 0 else { return wanted }
    return max(16, Int(min(UInt64(wanted), UInt64(limit.rlim_cur) / 4)))
  }
}
