import Foundation

/// Who may talk to the server: requests that a page of the web could make a browser send are
/// refused.
///
/// A page whose name is made to resolve to this machine sends that name as `Host`; a page of
/// anywhere else sends its own address as `Origin`. Programs send neither.
struct AccessRules: Sendable {
  /// Names beside those of this machine, lower case; `*` allows all.
  private let allowed: Set<String>
  /// Addresses cannot be made to resolve elsewhere, but only a server that other machines may
  /// reach is known by one.
  private let allowsAddresses: Bool

  init(allowedHosts: [String], isLoopback: Bool) {
    allowed = Set(allowedHosts.map { Self.name(ofAuthority: $0) ?? $0.lowercased() })
    allowsAddresses = !isLoopback
  }

  func check(_ request: HTTPRequest) throws(APIError) {
    let hosts = request.values(of: "Host")
    guard hosts.count <= 1 else {
      throw .invalid("expected one Host header, found \(hosts.count)")
    }
    if let host = hosts.first, !allows(Self.name(ofAuthority: host)) {
      throw .forbidden(
        "this server does not answer to the host \(host.debugDescription); ask it as localhost, or "
          + "start it with --allow-host for that name", code: "host_not_allowed")
    }
    for origin in request.values(of: "Origin") where !allows(Self.name(ofOrigin: origin)) {
      throw .forbidden(
        "this server takes no requests from pages of \(origin.debugDescription); start it with "
          + "--allow-host for that host", code: "origin_not_allowed")
    }
  }

  private func allows(_ name: String?) -> Bool {
    if allowed.contains("*") { return true }
    guard let name else { return false }
    return Self.isLoopback(name) || allowed.contains(name)
      || allowsAddresses && Self.isAddress(name)
  }

  /// The host of `host`, `host:port` or `[address]:port`, lower case; nil where it is none.
  static func name(ofAuthority authority: String) -> String? {
    let text = authority.lowercased()
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      let rest = text[text.index(after: end)...]
      let name = String(text[text.index(after: text.startIndex)..<end])
      return isPort(rest) && isAddress(name) ? name : nil
    }
    // An address of version 6 without its brackets, as --host takes it.
    if text.contains(":"), isAddress(text) { return text }
    let end = text.firstIndex(of: ":") ?? text.endIndex
    var name = text[..<end]
    if name.hasSuffix(".") { name = name.dropLast() }
    let isName = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-._".utf8.contains(byte)
    }
    return !name.isEmpty && isName && isPort(text[end...]) ? String(name) : nil
  }

  private static func name(ofOrigin origin: String) -> String? {
    for scheme in ["http://", "https://"] where origin.lowercased().hasPrefix(scheme) {
      return name(ofAuthority: String(origin.dropFirst(scheme.count)))
    }
    return nil
  }

  private static func isPort(_ text: Substring) -> Bool {
    text.isEmpty || text.first == ":" && UInt16(text.dropFirst()) != nil
  }

  /// Whether a name or address is always this machine's own.
  static func isLoopback(_ name: String) -> Bool {
    if name == "localhost" || name == "::1" { return true }
    return name.hasPrefix("127.") && isAddress(name)
  }

  private static func isAddress(_ name: String) -> Bool {
    var (four, six) = (in_addr(), in6_addr())
    return unsafe inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1
  }
}
