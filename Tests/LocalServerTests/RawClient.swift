import Foundation
import Support

/// A client that sends what it likes, byte by byte, and reads what comes until the server closes.
final class RawClient: Sendable {
  private let descriptor: Int32

  init(_ url: URL) throws {
    #if canImport(Glibc)
      let stream = Int32(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = stream
    unsafe hints.ai_flags = AI_NUMERICHOST
    var found: UnsafeMutablePointer<addrinfo>?
    let host = (url.host() ?? "").trimmingCharacters(in: ["[", "]"])
    let code = unsafe getaddrinfo(host, "\(url.port ?? 0)", &hints, &found)
    guard code == 0, let address = unsafe found else { throw POSIXError(.EHOSTUNREACH) }
    defer { unsafe freeaddrinfo(address) }
    descriptor = unsafe socket(address.pointee.ai_family, stream, 0)
    // A server that says nothing fails the test instead of holding it up.
    var patience = timeval(tv_sec: 900, tv_usec: 0)
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    guard unsafe connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0
    else { throw POSIXError(.ECONNREFUSED) }
  }

  deinit { close(descriptor) }

  @discardableResult func say(_ text: String) -> Bool {
    #if canImport(Glibc)
      let flags = Int32(MSG_NOSIGNAL)
    #else
      let flags: Int32 = 0
    #endif
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe send(descriptor, $0.baseAddress, $0.count, flags)
      }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Everything that comes until the server closes, or until it holds `mark`.
  ///
  /// Waits on a thread of its own: the server needs those that tasks share.
  func read(until mark: String? = nil) async -> String {
    (try? await runOnOwnThread(named: "raw-client") { self.receive(until: mark) }) ?? ""
  }

  private func receive(until mark: String?) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      if let mark, String(decoding: bytes, as: UTF8.self).contains(mark) { break }
      let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
