import Foundation
package import HTTP
package import Support

/// Where a server is, and what it wants to be shown.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  /// What the paths of the API begin with: `…/v1` at most servers.
  private(set) var base: URL
  /// Where conversations are continued.
  private(set) var chat: URL
  /// Bases that the address may mean, the likeliest first; one where it says it.
  let candidates: [URL]
  /// Lines for each request: never logged, never part of an error.
  let authorization: [String]
  /// All that must not be shown of what the server says.
  package private(set) var secrets: Secrets

  /// The environment's variables for the key, in order.
  package static let keyVariables = ["LOXEVAL_API_KEY", "OPENAI_API_KEY"]

  /// - Parameters:
  ///   - text: `http://host:port`, with or without the API's path (`/v1`, `/v1beta/openai`), which may be
  ///     a whole `…/chat/completions` and have a query. A user's name and password become a basic
  ///     authorization.
  ///   - credentials: what the server is shown besides.
  package init(_ text: String, credentials: Credentials) throws(TransportError) {
    let isAddress = text.contains("://") || !text.contains("@")
    let shown = isAddress ? Secrets.withoutCredentials(text) : "one without http://"
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard var parts = URLComponents(string: trimmed), let scheme = parts.scheme?.lowercased(),
      ["http", "https"].contains(scheme), parts.host?.isEmpty == false,
      trimmed.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }),
      (1...65_535).contains(parts.port ?? 1)
    else { throw .invalidURL(shown) }
    secrets = credentials.secrets
    var basic: String?
    if let user = parts.user, !(user.isEmpty && parts.password?.isEmpty ?? true) {
      let password = parts.password ?? ""
      secrets.insert(user: user, password: password)
      basic = Data("\(user):\(password)".utf8).base64EncodedString()
    }
    (parts.user, parts.password, parts.fragment) = (nil, nil, nil)
    for item in parts.queryItems ?? [] where !Secrets.isPublic(item.name) {
      secrets.insert(item.value ?? item.name)
    }
    authorization = credentials.lines(basic: basic)
    var path = parts.percentEncodedPath
    while path.hasSuffix("/") { path.removeLast() }
    let isWhole = path.hasSuffix(Self.chatPath)
    if isWhole { path.removeLast(Self.chatPath.count) }
    let version = "/v1"
    let paths: [String] =
      isWhole || path.hasSuffix(version)
      ? [path] : path.isEmpty ? [version, ""] : [path, path + version]
    var found: [URL] = []
    for path in paths {
      parts.percentEncodedPath = path
      guard let url = parts.url else { throw .invalidURL(shown) }
      found.append(url)
    }
    candidates = found
    base = found[0]
    chat = Self.appending("chat/completions", to: found[0])
  }

  /// As above, with the key of the environment.
  package init(
    _ text: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(TransportError) {
    let credentials: Credentials
    do throws(CredentialError) {
      credentials = try Credentials(environment: environment)
    } catch {
      throw .invalidKey("\(error)")
    }
    try self.init(text, credentials: credentials)
  }

  private static let chatPath = "/chat/completions"

  /// The endpoint with one of its candidates as the base.
  func at(_ base: URL) -> Endpoint {
    var endpoint = self
    endpoint.base = base
    endpoint.chat = Self.appending("chat/completions", to: base)
    return endpoint
  }

  /// The endpoint with further secrets to take out of what the server says.
  package func hiding(_ others: Secrets) -> Endpoint {
    var endpoint = self
    endpoint.secrets.formUnion(others)
    return endpoint
  }

  /// Host and port, and the path where it is not the usual one; for messages: never a key.
  package var name: String {
    let host = base.host ?? ""
    let path = candidates[0].path
    return (host.contains(":") ? "[\(host)]" : host) + (base.port.map { ":\($0)" } ?? "")
      + (["", "/", "/v1"].contains(path) ? "" : path)
  }

  package var description: String { name }

  func url(_ path: String) -> URL { Self.appending(path, to: base) }

  /// A path of the server's root, such as `health`: beside the API's version.
  func rootURL(_ path: String) -> URL {
    let last = base.lastPathComponent
    let isVersion = last.first == "v" && last.dropFirst().first?.isNumber == true
    return Self.appending(path, to: base, removingLast: isVersion)
  }

  /// Appends to the path, before a query.
  private static func appending(_ path: String, to base: URL, removingLast: Bool = false) -> URL {
    guard var parts = URLComponents(url: base, resolvingAgainstBaseURL: false) else { return base }
    var whole = parts.percentEncodedPath
    if removingLast, let slash = whole.lastIndex(of: "/") { whole = String(whole[..<slash]) }
    parts.percentEncodedPath = "\(whole)/\(path)"
    return parts.url ?? base
  }

  /// Text of the server's that may be shown: without secrets, printable, at most 200 characters.
  func excerpt(_ data: Data) -> String {
    let text = secrets.cleaned(String(decoding: data.prefix(64 << 10), as: UTF8.self))
    let printable = text.unicodeScalars.prefix(200).map { scalar in
      scalar.properties.generalCategory == .control ? " " : String(scalar)
    }
    return printable.joined()
  }

  /// A request of this server's.
  func request(
    _ url: URL, body: Data? = nil, firstByteSeconds: Double? = nil
  ) -> TransportRequest {
    TransportRequest(
      url: url, body: body,
      headers: (body == nil ? [] : ["Content-Type: application/json"]) + authorization,
      secrets: secrets, firstByteSeconds: firstByteSeconds)
  }
}
