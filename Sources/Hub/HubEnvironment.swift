package import Foundation
import Support

/// What the environment says of the hub and its cache, by the variables that huggingface_hub reads.
package struct HubEnvironment: Sendable {
  /// The hub's address, without a slash at its end.
  package let endpoint: URL
  /// Where repositories are kept.
  package let cache: URL
  /// Whether nothing may be asked of the hub.
  package let isOffline: Bool
  private let token: String?
  private let tokenFile: URL

  /// - Parameters:
  ///   - environment: the process's.
  ///   - home: the user's folder, which `~` stands for.
  /// - Throws: `HubError.endpoint` where `HF_ENDPOINT` is no address.
  package init(
    _ environment: [String: String], home: String = NSHomeDirectory()
  ) throws(HubError) {
    func value(_ names: String...) -> String? {
      names.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    func path(_ text: String) -> URL {
      URL(filePath: Self.expanded(text, environment, home: environment["HOME"] ?? home))
    }
    let caches = value("XDG_CACHE_HOME").map(path) ?? path("~/.cache")
    let own = value("HF_HOME").map(path) ?? caches.appending(path: "huggingface")
    cache = value("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE").map(path) ?? own.appending(path: "hub")
    tokenFile = value("HF_TOKEN_PATH").map(path) ?? own.appending(path: "token")
    token = value("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    isOffline = Self.isTrue(value("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    var address = value("HF_ENDPOINT") ?? "https://huggingface.co"
    while address.hasSuffix("/") { address.removeLast() }
    guard let url = URL(string: address), let scheme = url.scheme?.lowercased(),
      ["http", "https"].contains(scheme), url.host != nil, url.query == nil, url.fragment == nil
    else { throw .endpoint(Secrets.withoutCredentials(address)) }
    endpoint = url
  }

  /// A token, and where it was found.
  struct Token {
    let text: String
    let source: String
  }

  /// What the hub is shown; nil where there is none.
  ///
  /// - Throws: `HubError.token` where its file cannot be read, or it is not of one line.
  func readToken() throws(HubError) -> Token? {
    func checked(_ text: String, _ source: String) throws(HubError) -> Token? {
      let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
      guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw .token(source: source, reason: "expected one word without blanks")
      }
      return text.isEmpty ? nil : Token(text: text, source: source)
    }
    if let token { return try checked(token, "HF_TOKEN") }
    let file: InputFile?
    do throws(InputFile.Fault) {
      file = try InputFile.ifPresent(tokenFile, .settings)
    } catch {
      throw .token(source: tokenFile.path, reason: error.reason)
    }
    guard let file else { return nil }
    return try checked(String(decoding: file.body, as: UTF8.self), tokenFile.path)
  }

  private static func isTrue(_ text: String?) -> Bool {
    ["1", "on", "yes", "true"].contains(text?.lowercased() ?? "")
  }

  /// `~` at the beginning, and `$NAME` and `${NAME}` of the environment, as huggingface_hub expands them.
  private static func expanded(
    _ text: String, _ environment: [String: String], home: String
  ) -> String {
    var text = text
    if text == "~" || text.hasPrefix("~/") { text = home + text.dropFirst() }
    var result = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      let isBraced = rest.first == "{"
      let body = isBraced ? rest.dropFirst() : rest
      let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      let after = body[name.endIndex...]
      guard !name.isEmpty, !isBraced || after.first == "}",
        let value = environment[String(name)]
      else {
        result += "$"
        continue
      }
      result += value
      rest = isBraced ? after.dropFirst() : after
    }
    return result + rest
  }
}
