import Crypto
package import Foundation
import Synchronization

/// A hub on a loopback socket, as far as programs that fetch models use one: listings, HEAD, ranges, large files
/// behind a redirect to another host, tokens, and whatever goes wrong with these.
package final class LoopbackHub: Sendable {
  /// What a repository holds.
  package struct Repository: Sendable {
    /// By commit, each file's bytes by its path.
    package var commits: [String: [String: Data]]
    /// Branches and tags.
    package var refs: [String: String]
    /// Who asks without it is told that there is no such repository, or that it is gated.
    package var token: String?
    package var isGated = false

    package init(
      _ files: [String: Data], commit: String = LoopbackHub.commit(1), token: String? = nil
    ) {
      commits = [commit: files]
      refs = ["main": commit]
      self.token = token
    }
  }

  /// What is done to a request in place of answering it rightly.
  package enum Fault: Sendable {
    /// The file's first bytes, then the end of the connection.
    case cut(after: Int)
    /// Other bytes of the same size.
    case otherBytes
    /// More bytes than were told of.
    case otherSize
    case status(Int)
    /// Waits until it is let go on.
    case wait
  }

  package struct Request: Sendable, Equatable {
    package let method: String
    package let path: String
    /// By lower-case name.
    package let headers: [String: String]
    /// Whether it went to the other host.
    package let isElsewhere: Bool
  }

  private struct State {
    var repositories: [String: Repository] = [:]
    var faults: [String: [Fault]] = [:]
    var requests: [Request] = []
  }

  private let state = Mutex(State())
  private let servers = Mutex<[ScriptedHTTPServer]>([])
  private let gate = DispatchSemaphore(value: 0)

  /// Forty digits that no other number gives.
  package static func commit(_ number: Int) -> String {
    Insecure.SHA1.hash(data: Data("commit \(number)".utf8)).map(Self.hex).joined()
  }

  package init(_ repositories: [String: Repository]) throws {
    state.withLock { $0.repositories = repositories }
    let main = try ScriptedHTTPServer { [weak self] in self?.answer($0, isElsewhere: false) }
    let other = try ScriptedHTTPServer { [weak self] in self?.answer($0, isElsewhere: true) }
    servers.withLock { $0 = [main, other] }
  }

  deinit { servers.withLock { for server in $0 { server.stop() } } }

  package var url: String { servers.withLock { $0[0].url } }
  package var requests: [Request] { state.withLock { $0.requests } }

  /// How often a file's contents were asked for.
  package func fetches(of path: String) -> Int {
    requests.count { $0.method == "GET" && $0.isElsewhere && $0.path.hasSuffix("/\(path)") }
      + requests.count {
        $0.method == "GET" && !$0.isElsewhere && $0.path.hasSuffix("/\(path)")
          && !Self.isLarge(path)
      }
  }

  package func change(_ name: String, _ body: (inout Repository) -> Void) {
    state.withLock { state in
      var repository = state.repositories[name] ?? Repository([:])
      body(&repository)
      state.repositories[name] = repository
    }
  }

  /// What is done to the next requests for a file's contents, in their order.
  package func spoil(_ path: String, _ faults: Fault...) {
    state.withLock { $0.faults[path, default: []] += faults }
  }

  /// Lets a request go on that waits.
  package func letGo() { gate.signal() }

  /// As the hub has it: weights, which git holds pointers to alone.
  package static func isLarge(_ path: String) -> Bool { path.hasSuffix(".safetensors") }

  package static func etag(_ path: String, _ data: Data) -> String {
    isLarge(path)
      ? SHA256.hash(data: data).map(hex).joined()
      : Insecure.SHA1.hash(data: Data("blob \(data.count)\0".utf8) + data).map(hex).joined()
  }

  private static func hex(_ byte: UInt8) -> String {
    String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
  }

  // MARK: - Answering

  private func answer(_ exchange: ScriptedHTTPServer.Exchange, isElsewhere: Bool) {
    let lines = exchange.request.components(separatedBy: "\r\n")
    let words = (lines.first ?? "").split(separator: " ").map(String.init)
    guard words.count >= 2 else { return }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] =
        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    let path = (words[1].split(separator: "?").first.map(String.init) ?? "/")
    let request = Request(
      method: words[0], path: path, headers: headers, isElsewhere: isElsewhere)
    state.withLock { $0.requests.append(request) }
    let parts = path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    let isListing = parts.starts(with: ["api", "models"])
    let place = isListing ? Array(parts.dropFirst(2)) : parts
    guard place.count >= 2 else { return refuse(exchange, 404, "") }
    let name = "\(place[0])/\(place[1])"
    guard let repository = state.withLock({ $0.repositories[name] }) else {
      return headers["authorization"] == nil
        ? refuse(exchange, 401, "RepoNotFound") : refuse(exchange, 404, "RepoNotFound")
    }
    if let token = repository.token, !isElsewhere, headers["authorization"] != "Bearer \(token)" {
      let isGated = repository.isGated
      return refuse(
        exchange, isGated && headers["authorization"] != nil ? 403 : 401,
        isGated ? "GatedRepo" : "RepoNotFound")
    }
    let rest = Array(place.dropFirst(2))
    if isListing {
      list(exchange, repository, name, rest)
    } else if rest.count >= 3, rest[0] == "resolve" {
      serve(exchange, request, repository, rest[1], rest.dropFirst(2).joined(separator: "/"))
    } else {
      refuse(exchange, 404, "")
    }
  }

  private func refuse(_ exchange: ScriptedHTTPServer.Exchange, _ status: Int, _ code: String) {
    exchange.reply(
      "{}", status: "\(status) Refused",
      headers: code.isEmpty ? [] : ["X-Error-Code: \(code)", "X-Error-Message: as the test has it"])
  }

  private func list(
    _ exchange: ScriptedHTTPServer.Exchange, _ repository: Repository, _ name: String,
    _ rest: [String]
  ) {
    let revision = rest.count > 1 ? rest.dropFirst().joined(separator: "/") : "main"
    guard let commit = Self.commit(of: revision, repository), let files = repository.commits[commit]
    else { return refuse(exchange, 404, "RevisionNotFound") }
    let paths = files.keys.sorted()
    if rest.first == "tree" {
      let entries = paths.map { path -> String in
        let data = files[path] ?? Data()
        let etag = Self.etag(path, data)
        let large =
          Self.isLarge(path)
          ? ",\"lfs\":{\"oid\":\"\(etag)\",\"size\":\(data.count),\"pointerSize\":130}" : ""
        return "{\"type\":\"file\",\"oid\":\"\(etag.prefix(40))\",\"size\":\(data.count),"
          + "\"path\":\"\(path)\"\(large)}"
      }
      return exchange.reply("[\(entries.joined(separator: ","))]")
    }
    let siblings = paths.map { "{\"rfilename\":\"\($0)\"}" }.joined(separator: ",")
    exchange.reply(
      "{\"id\":\"\(name)\",\"modelId\":\"\(name)\",\"sha\":\"\(commit)\",\"private\":false,"
        + "\"gated\":\(repository.isGated),\"siblings\":[\(siblings)]}")
  }

  private static func commit(of revision: String, _ repository: Repository) -> String? {
    repository.refs[revision]
      ?? repository.commits.keys.first { revision.count >= 7 && $0.hasPrefix(revision) }
  }

  private func serve(
    _ exchange: ScriptedHTTPServer.Exchange, _ request: Request, _ repository: Repository,
    _ revision: String, _ path: String
  ) {
    guard let commit = Self.commit(of: revision, repository) else {
      return refuse(exchange, 404, "RevisionNotFound")
    }
    guard let data = repository.commits[commit]?[path] else {
      return refuse(exchange, 404, "EntryNotFound")
    }
    let etag = Self.etag(path, data)
    let described = ["X-Repo-Commit: \(commit)", "Accept-Ranges: bytes"]
    if Self.isLarge(path), !request.isElsewhere {
      let other = servers.withLock { $0[1].url }
      exchange.send(
        ([
          "HTTP/1.1 302 Found", "Content-Length: 0", "Location: \(other)\(request.path)",
          "X-Linked-Etag: \"\(etag)\"", "X-Linked-Size: \(data.count)", "ETag: \"0123abcd\"",
        ] + described).joined(separator: "\r\n") + "\r\n\r\n")
      return
    }
    let head = ["ETag: \"\(etag)\""] + described
    guard request.method == "GET" else {
      let lines = ["HTTP/1.1 200 OK", "Content-Length: \(data.count)"] + head
      return exchange.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
    }
    give(exchange, request, data, path, head)
  }

  private func give(
    _ exchange: ScriptedHTTPServer.Exchange, _ request: Request, _ data: Data, _ path: String,
    _ head: [String]
  ) {
    let fault = state.withLock { state -> Fault? in
      guard let first = state.faults[path]?.first else { return nil }
      state.faults[path]?.removeFirst()
      return first
    }
    var (body, status, head) = (data, "200 OK", head)
    if let range = request.headers["range"], range.hasPrefix("bytes="),
      let first = Int(range.dropFirst(6).prefix { $0.isNumber })
    {
      guard first < data.count else { return refuse(exchange, 416, "") }
      body = data.dropFirst(first)
      status = "206 Partial Content"
      head.append("Content-Range: bytes \(first)-\(data.count - 1)/\(data.count)")
    }
    switch fault {
    case .cut(let count):
      let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + head
      exchange.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
      exchange.send(Data(body.prefix(count)))
      exchange.close()
    case .otherBytes:
      exchange.reply(Data(body.map { $0 ^ 1 }), status: status, headers: head)
    case .otherSize:
      exchange.reply(body + Data("more".utf8), status: status, headers: head)
    case .status(let status):
      refuse(exchange, status, "")
    case .wait:
      gate.wait()
      exchange.reply(body, status: status, headers: head)
    case nil:
      exchange.reply(body, status: status, headers: head)
    }
  }
}
