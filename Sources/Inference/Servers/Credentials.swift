import Foundation
package import Support

/// What a client shows its servers: a key, and headers of other schemes. From the environment only.
package struct Credentials: Hashable, Sendable {
  /// nil where there is none.
  let key: String?
  /// `Name: value` lines.
  let headers: [String]
  package let secrets: Secrets

  package static let none = Credentials()

  private init() {
    (key, headers, secrets) = (nil, [], Secrets())
  }

  /// - Parameters:
  ///   - variables: the environment's variables for the key, in order; the first that is not empty counts.
  ///   - headers: `NAME=VARIABLE`, each a header and the variable that holds its value.
  package init(
    environment: [String: String], variables: [String] = Endpoint.keyVariables,
    headers: [String] = []
  ) throws(CredentialError) {
    var secrets = Secrets()
    var key: String?
    for variable in variables where key == nil {
      guard let value = try Self.value(of: variable, in: environment) else { continue }
      key = value
      secrets.insert(value)
    }
    var lines: [String] = []
    for text in headers {
      let (name, variable) = try Self.split(text)
      guard let value = try Self.value(of: variable, in: environment) else {
        throw .missing(header: name, variable: variable)
      }
      lines.append("\(name): \(value)")
      secrets.insert(value)
      // "Bearer abc": what follows the scheme is the secret.
      for word in value.split(separator: " ").dropFirst() { secrets.insert(String(word)) }
    }
    self.key = key
    self.headers = lines
    self.secrets = secrets
  }

  /// The lines that a request carries, with a user's name and password where the address has them.
  func lines(basic: String?) -> [String] {
    let names = headers.map { $0.prefix { $0 != ":" }.lowercased() }
    if names.contains("authorization") { return headers }
    // What an address says is meant for its server; the environment's key is for any.
    if let basic { return ["Authorization: Basic \(basic)"] + headers }
    return (key.map { ["Authorization: Bearer \($0)"] } ?? []) + headers
  }

  /// A variable's value without blanks and line ends around it; nil where nothing is left.
  private static func value(
    of variable: String, in environment: [String: String]
  ) throws(CredentialError) -> String? {
    guard let raw = environment[variable] else { return nil }
    let value = raw.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !value.isEmpty else { return nil }
    // A line end would begin another header.
    guard
      value.unicodeScalars.allSatisfy({
        $0.properties.generalCategory != .control && $0 != "\u{2028}" && $0 != "\u{2029}"
      })
    else { throw .control(variable: variable) }
    return value
  }

  /// Checks the form of `NAME=VARIABLE`.
  package static func split(
    _ text: String
  ) throws(CredentialError) -> (name: String, variable: String) {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    let marks = Set("!#$%&'*+-.^_`|~")
    guard parts.count == 2, text.contains("="),
      parts[0].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || marks.contains($0)) }),
      parts[1].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    else { throw .form }
    let reserved = [
      "content-type", "content-length", "host", "expect", "transfer-encoding", "connection",
    ]
    guard !reserved.contains(parts[0].lowercased()) else { throw .reserved(header: parts[0]) }
    return (parts[0], parts[1])
  }
}

/// What can be wrong with keys and headers. No message shows a value.
package enum CredentialError: Error, Equatable, CustomStringConvertible {
  case form
  case reserved(header: String)
  case missing(header: String, variable: String)
  case control(variable: String)

  package var description: String {
    switch self {
    case .form:
      "expected NAME=VARIABLE, a header and the environment's variable that holds its value, such as "
        + "X-API-Key=MY_KEY, found another form"
    case .reserved(let header):
      "expected a header of the server's own scheme, found \(header), which the client writes itself"
    case .missing(let header, let variable):
      "expected the value of \(header) in the environment's \(variable), found it unset or empty"
    case .control(let variable):
      "expected \(variable) to be one line of text, found a control character in it; set it again "
        + "without line ends"
    }
  }
}
