import Foundation
import HTTP
import ModelAccess
import Support

/// Why the hub did not give what it was asked for.
enum HubFailure: Error {
  case unreachable(String)
  /// `code` and `message` are the hub's own words, of its headers.
  case status(Int, code: String, message: String)
  /// It answered with what cannot be used.
  case answer(String)

  /// Whether the hub said nothing of the repository: it is not there, or too busy.
  var isSilence: Bool {
    switch self {
    case .unreachable: true
    case .status(let status, _, _): status == 429 || status >= 500
    case .answer: false
    }
  }
}

/// What the hub says of one file.
struct FileHead: Sendable {
  /// What its blob is called: SHA-256 of large files, else the SHA-1 by which git knows it.
  let etag: String
  let size: Int
}

/// Asks a hub, and shows its token to nobody else.
struct HubClient: Sendable {
  let endpoint: URL
  let token: HubEnvironment.Token?
  let transport: Transport
  let isCancelled: @Sendable () -> Bool
  /// How long to wait before each further attempt.
  let waits: [Duration]

  /// Redirects in a row.
  private static let mostRedirects = 5
  private static let longestErrorMessage = 300

  private var secrets: Secrets { Secrets(token.map { [$0.text] } ?? []) }

  /// What a repository holds at a revision: its commit, and the paths of its files.
  func listing(
    of repository: String, _ revision: String
  ) throws(HubFailure) -> (commit: String, paths: Set<String>) {
    let escaped = Self.escaped(revision, keepingSlashes: false)
    let response = try send(
      try url("api/models/\(repository)/revision/\(escaped)"), Self.accepts("application/json"))
    guard let node = try? JSONNode(parsing: [UInt8](response.body)),
      let commit = node["sha"]?.text, Hexadecimal.isCommit(commit),
      let siblings = node["siblings"]?.elements
    else {
      throw .answer("it gave no commit (\"sha\") and list of files (\"siblings\")")
    }
    return (commit, Set(siblings.compactMap { $0["rfilename"]?.text }))
  }

  /// What a file is, without its contents.
  func head(_ path: String, of repository: String, at commit: String) throws(HubFailure) -> FileHead
  {
    let response = try send(try file(path, repository, commit), Self.accepts(), isHead: true)
    let headers = response.headers
    let size = (headers["x-linked-size"] ?? headers["content-length"]).flatMap { Int($0) }
    guard let size, size >= 0 else { throw .answer("it said no size of \(path)") }
    guard let etag = (headers["x-linked-etag"] ?? headers["etag"]).map(Self.plain),
      Self.isBlobName(etag)
    else { throw .answer("it gave no usable ETag of \(path)") }
    if let told = headers["x-repo-commit"], told != commit {
      throw .answer("it told of commit \(PrintableText.line(told)) in place of \(commit)")
    }
    return FileHead(etag: etag, size: size)
  }

  /// Fetches a file's bytes from the first that a sink lacks.
  func get(
    _ path: String, of repository: String, at commit: String, from first: Int,
    into sink: any BodySink
  ) throws(HubFailure) {
    var headers = Self.accepts()
    if first > 0 { headers.append("Range: bytes=\(first)-") }
    _ = try send(try file(path, repository, commit), headers, sink: sink)
  }

  private func file(
    _ path: String, _ repository: String, _ commit: String
  ) throws(HubFailure) -> URL {
    try url("\(repository)/resolve/\(commit)/\(Self.escaped(path, keepingSlashes: true))")
  }

  private func url(_ path: String) throws(HubFailure) -> URL {
    guard let url = URL(string: "\(endpoint.absoluteString)/\(path)") else {
      throw .answer("\(path) makes no address")
    }
    return url
  }

  private static func accepts(_ type: String = "*/*") -> [String] {
    // Compressed bytes are other bytes, with another size.
    ["Accept: \(type)", "Accept-Encoding: identity", "User-Agent: loxeval"]
  }

  // MARK: - Sending

  /// Sends a request, follows where it leads, and tries again what another attempt may save.
  ///
  /// HEAD is followed within the hub alone: what it says of a file stands in the answer that leads elsewhere.
  private func send(
    _ url: URL, _ headers: [String], isHead: Bool = false, sink: (any BodySink)? = nil
  ) throws(HubFailure) -> TransportResponse {
    var attempt = 0
    while true {
      do throws(HubFailure) {
        return try sendOnce(url, headers, isHead: isHead, sink: sink)
      } catch {
        guard case .status(let status, _, _) = error, status == 429 || status >= 500,
          attempt < waits.count
        else { throw error }
        wait(waits[attempt])
        attempt += 1
      }
    }
  }

  private func sendOnce(
    _ url: URL, _ headers: [String], isHead: Bool, sink: (any BodySink)?
  ) throws(HubFailure) -> TransportResponse {
    var url = url
    for _ in 0...Self.mostRedirects {
      var request = TransportRequest(url: url, headers: headers, secrets: secrets)
      if let token, Self.isSameServer(url, endpoint) {
        request.headers.append("Authorization: Bearer \(token.text)")
      }
      request.isHead = isHead
      request.sink = sink
      let response: TransportResponse
      do throws(TransportError) {
        response = try transport.sendWaiting(request, isCancelled: isCancelled)
      } catch .refused(let reason) {
        throw .answer(reason)
      } catch {
        throw .unreachable("\(error)")
      }
      switch response.status {
      case 200..<300:
        return response
      case 301, 302, 303, 307, 308:
        guard let location = response.headers["location"],
          let next = URL(string: location, relativeTo: url)?.absoluteURL
        else { throw .answer("it leads elsewhere and does not say where") }
        if isHead, !Self.isSameServer(next, endpoint) || response.headers["x-linked-etag"] != nil {
          return response
        }
        // From an encrypted place only to another.
        guard url.scheme != "https" || next.scheme == "https" else {
          throw .answer("it leads from https to \(PrintableText.line(next.scheme ?? "nowhere"))")
        }
        url = next
      default:
        let headers = response.headers
        throw .status(
          response.status, code: headers["x-error-code"] ?? "",
          message: PrintableText.line(
            String((headers["x-error-message"] ?? "").prefix(Self.longestErrorMessage))))
      }
    }
    throw .answer("it leads on more than \(Self.mostRedirects) times")
  }

  func wait(_ duration: Duration) {
    let end = ContinuousClock.now + duration
    while !isCancelled(), ContinuousClock.now < end {
      Thread.sleep(forTimeInterval: min(0.1, max(0, (end - .now) / .seconds(1))))
    }
  }

  /// Whether the same server would see a header: scheme, host and port.
  private static func isSameServer(_ one: URL, _ other: URL) -> Bool {
    func port(_ url: URL) -> Int { url.port ?? (url.scheme?.lowercased() == "https" ? 443 : 80) }
    return one.scheme?.lowercased() == other.scheme?.lowercased()
      && one.host?.lowercased() == other.host?.lowercased() && port(one) == port(other)
  }

  /// An ETag without its marks.
  private static func plain(_ etag: String) -> String {
    (etag.hasPrefix("W/") ? String(etag.dropFirst(2)) : etag)
      .trimmingCharacters(in: CharacterSet(charactersIn: "\""))
  }

  /// A blob's name is a file's, and what `.incomplete` and `.lock` are put behind.
  private static func isBlobName(_ text: String) -> Bool {
    NeededFiles.isPlain(text) && text.utf8.count <= 200
      && text.utf8.allSatisfy { byte in
        Hexadecimal.isDigits(String(decoding: [byte | 0x20], as: UTF8.self))
          || (UInt8(ascii: "g")...UInt8(ascii: "z")).contains(byte | 0x20)
          || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
      }
  }

  private static func escaped(_ text: String, keepingSlashes: Bool) -> String {
    var allowed = CharacterSet(
      charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
    if keepingSlashes { allowed.insert("/") }
    return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? text
  }
}
