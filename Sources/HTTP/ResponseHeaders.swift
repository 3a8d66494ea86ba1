import Support

/// A response's header lines as they came, read when somebody asks: of most answers nobody does.
package struct ResponseHeaders: Sendable, ExpressibleByDictionaryLiteral {
  /// Further names are not kept.
  private static let mostNames = 256

  /// Line after line, each with its end.
  private var lines: [UInt8] = []
  /// Taken out of every value before anybody reads it.
  private var secrets = Secrets()

  package init(dictionaryLiteral headers: (String, String)...) {
    for (name, value) in headers { lines += "\(name): \(value)\r\n".utf8 }
  }

  /// By lower-case name; the last of equals.
  package var byName: [String: String] {
    var found: [String: String] = [:]
    for line in lines.split(separator: UInt8(ascii: "\n")) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")), found.count < Self.mostNames else {
        continue
      }
      var value = line[(colon + 1)...].drop(while: Self.isBlank)
      while let last = value.last, Self.isBlank(last) { value.removeLast() }
      found[String(decoding: line[..<colon], as: UTF8.self).lowercased()] =
        secrets.cleaned(String(decoding: value, as: UTF8.self))
    }
    return found
  }

  /// - Parameter name: in lower case.
  package subscript(name: String) -> String? { byName[name] }

  /// The same without secrets.
  func hiding(_ secrets: Secrets) -> ResponseHeaders {
    var headers = self
    headers.secrets = secrets
    return headers
  }

  mutating func append(_ line: UnsafeRawBufferPointer) {
    if lines.isEmpty { lines.reserveCapacity(480) }
    unsafe lines.append(contentsOf: line)
    if lines.last != UInt8(ascii: "\n") { lines.append(UInt8(ascii: "\n")) }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }
}
