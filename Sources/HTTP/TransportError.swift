package import ModelAccess

/// Why a request got no response.
package enum TransportError: Error, Hashable, Sendable, CustomStringConvertible {
  case invalidURL(String)
  /// What the server is to be shown cannot be sent.
  case invalidKey(String)
  /// The server could not be reached: it never had the request.
  case unreachable(String)
  /// The connection broke.
  case connection(String)
  /// The server's certificate does not hold, or no common TLS was found.
  case untrusted(String)
  case timedOut(phase: Phase, seconds: Double)
  case bodyTooLarge(limit: Int)
  case headersTooLarge(limit: Int)
  /// Whoever takes the body as it comes will not have this one.
  case refused(String)
  case cancelled
  case shutDown

  /// What was being waited for.
  package enum Phase: String, Sendable {
    case connection
    case firstByte = "the first byte"
    case body = "the rest of the body"
  }

  package var description: String {
    switch self {
    case .invalidURL(let url):
      "expected an http or https URL, found \(url)"
    case .invalidKey(let reason):
      reason
    case .unreachable(let reason), .connection(let reason):
      "the connection failed: \(reason); is the server running and its address right?"
    case .untrusted(let reason):
      "TLS failed: \(reason); certificates are always verified: name your own authority's file "
        + "in CURL_CA_BUNDLE or SSL_CERT_FILE"
    case .timedOut(let phase, let seconds):
      "waited \(seconds) s for \(phase.rawValue); is the server overloaded?"
    case .bodyTooLarge(let limit):
      "the response is larger than \(limit) bytes"
    case .headersTooLarge(let limit):
      "the response's headers are larger than \(limit) bytes"
    case .refused(let reason):
      reason
    case .cancelled:
      "the request was cancelled"
    case .shutDown:
      "the client was shut down"
    }
  }

  /// Whether no other request can succeed either.
  package var isFatal: Bool {
    switch self {
    case .untrusted, .shutDown, .invalidKey: true
    default: false
    }
  }

  /// A stable code that reports count by.
  package var code: ErrorCode {
    switch self {
    case .invalidURL: "invalid-url"
    case .invalidKey: "invalid-key"
    case .unreachable, .connection: "connection"
    case .untrusted: "untrusted"
    case .timedOut: "timeout"
    case .bodyTooLarge: "body-too-large"
    case .headersTooLarge: "headers-too-large"
    case .refused: "refused"
    case .cancelled: "cancelled"
    case .shutDown: "shut-down"
    }
  }
}
