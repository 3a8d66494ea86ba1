import Foundation

/// Where a server is, and the key it wants.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  /// Ends in `/v1`.
  let base: URL
  /// From the environment only; never logged, never part of an error.
  let key: String?
  /// Where conversations are continued.
  let chat: URL
  let authorization: [String]

  /// The environment's variables for the key, in order.
  package static let keyVariables = ["LOXEVAL_API_KEY", "OPENAI_API_KEY"]

  /// - Parameter text: `http://host:port`, with or without `/v1` and a closing slash.
  package init(
    _ text: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(TransportError) {
    var path = text
    while path.hasSuffix("/") { path.removeLast() }
    if !path.hasSuffix("/v1") { path += "/v1" }
    guard let url = URL(string: path), let scheme = url.scheme?.lowercased(),
      ["http", "https"].contains(scheme), url.host?.isEmpty == false
    else { throw .invalidURL(text) }
    base = url
    key = Self.keyVariables.compactMap { environment[$0] }.first { !$0.isEmpty }
    chat = url.appending(path: "chat/completions")
    authorization = key.map { ["Authorization: Bearer \($0)"] } ?? []
  }

  /// Host and port, for messages: never a key.
  package var name: String {
    (base.host ?? "") + (base.port.map { ":\($0)" } ?? "")
  }

  package var description: String { name }

  func url(_ path: String) -> URL { base.appending(path: path) }

  /// A path of the server's root, such as `health`.
  func rootURL(_ path: String) -> URL { base.deletingLastPathComponent().appending(path: path) }

  /// Text of the server's that may be shown: without the key, printable, at most 200 characters.
  func excerpt(_ data: Data) -> String {
    // Four bytes a character and a key more: no key is cut where it would be shown in part.
    let length = 800 + (key?.utf8.count ?? 0)
    var text = String(decoding: data.prefix(length), as: UTF8.self)
    if let key { text = text.replacingOccurrences(of: key, with: "[key]") }
    let printable = text.unicodeScalars.prefix(200).map { scalar in
      scalar.properties.generalCategory == .control ? " " : String(scalar)
    }
    return printable.joined()
  }
}
