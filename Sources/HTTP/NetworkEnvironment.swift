import Foundation

/// What the environment says of proxies and certificates, as curl's own program reads it.
package struct NetworkEnvironment: Sendable {
  /// The file of certificates to trust; nil where none is named.
  package let certificateFile: String?
  /// Hosts that are reached without a proxy: those of `NO_PROXY` and this machine.
  package let hostsWithoutProxy: String

  package static let process = NetworkEnvironment(ProcessInfo.processInfo.environment)

  package init(_ environment: [String: String]) {
    certificateFile = ["CURL_CA_BUNDLE", "SSL_CERT_FILE"].compactMap { environment[$0] }
      .first { !$0.isEmpty }
    let named = ["no_proxy", "NO_PROXY"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let hosts = named.split { $0 == "," || $0.isWhitespace }.map { Self.host(String($0)) }
    hostsWithoutProxy =
      hosts.contains("*")
      ? "*" : (hosts + ["localhost", "127.0.0.0/8", "127.0.0.1", "::1"]).joined(separator: ",")
  }

  /// A host as libcurl takes it: `*.example.org` is its `.example.org`, and a port makes no difference.
  private static func host(_ text: String) -> String {
    var text = text
    if text.hasPrefix("*.") { text.removeFirst() }
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      return String(text[text.index(after: text.startIndex)..<end])
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 && parts[1].allSatisfy(\.isNumber) ? String(parts[0]) : text
  }
}
