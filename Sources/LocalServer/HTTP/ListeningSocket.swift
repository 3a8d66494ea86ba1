import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// A TCP socket that listens at an address of this machine.
struct ListeningSocket {
  let descriptor: Int32
  /// The address and port that it has, as a URL's authority: `127.0.0.1:40123`, `[::1]:40123`.
  let authority: String
  /// Whether only this machine can reach it.
  let isLoopback: Bool

  /// - Parameters:
  ///   - host: an IPv4 or IPv6 address, or a name of this machine's such as `localhost`.
  ///   - port: 0 takes a free one.
  init(host: String, port: UInt16) throws(LocalServerError) {
    func failure(_ reason: String) -> LocalServerError {
      let name = host.contains(":") ? "[\(host)]" : host
      return .cannotListen(address: "\(name):\(port)", reason: reason)
    }
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    unsafe hints.ai_socktype = Self.stream
    var found: UnsafeMutablePointer<addrinfo>?
    let bare =
      host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    let code = unsafe getaddrinfo(bare, "\(port)", &hints, &found)
    guard code == 0, let address = unsafe found else {
      throw failure(unsafe String(cString: gai_strerror(code)))
    }
    defer { unsafe freeaddrinfo(address) }

    let descriptor = unsafe socket(address.pointee.ai_family, Self.stream, 0)
    guard descriptor >= 0 else { throw failure(unsafe String(cString: strerror(errno))) }
    func check(_ result: Int32) throws(LocalServerError) {
      guard result < 0 else { return }
      let reason = unsafe String(cString: strerror(errno))
      close(descriptor)
      throw failure(reason)
    }
    // Programs that this one starts do not inherit it.
    try check(fcntl(descriptor, F_SETFD, FD_CLOEXEC))
    try check(fcntl(descriptor, F_SETFL, O_NONBLOCK))
    var (yes, no) = (Int32(1), Int32(0))
    let size = socklen_t(MemoryLayout<Int32>.size)
    try check(unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size))
    if unsafe address.pointee.ai_family == AF_INET6 {
      // The wildcard address serves IPv4 too.
      try check(unsafe setsockopt(descriptor, Self.protocolIPv6, IPV6_V6ONLY, &no, size))
    }
    try check(unsafe bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen))
    try check(listen(descriptor, SOMAXCONN))

    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes -> Int32 in
      guard let start = bytes.baseAddress else { return -1 }
      let generic = unsafe start.assumingMemoryBound(to: sockaddr.self)
      guard unsafe getsockname(descriptor, generic, &length) == 0 else { return -1 }
      return unsafe getnameinfo(
        generic, length, &name, socklen_t(name.count), &service, socklen_t(service.count),
        NI_NUMERICHOST | NI_NUMERICSERV) == 0 ? 0 : -1
    }
    try check(result)
    let numeric = Self.text(name)
    let boundPort = Self.text(service)
    self.descriptor = descriptor
    authority = numeric.contains(":") ? "[\(numeric)]:\(boundPort)" : "\(numeric):\(boundPort)"
    isLoopback = AccessRules.isLoopback(numeric)
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  #if canImport(Glibc)
    private static let stream = Int32(SOCK_STREAM.rawValue)
    private static let protocolIPv6 = Int32(IPPROTO_IPV6)
  #else
    private static let stream = SOCK_STREAM
    private static let protocolIPv6 = IPPROTO_IPV6
  #endif
}
