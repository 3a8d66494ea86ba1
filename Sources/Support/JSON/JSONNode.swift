/// Parsed JSON that keeps what `JSONDecoder` loses, a hostile header can hide in and a vocabulary needs:
/// the order of keys, keys given twice or that Unicode calls equivalent, and numbers as they were
/// written.
package enum JSONNode: Equatable, Sendable {
  case object([Member])
  case array([JSONNode])
  case string(String)
  /// The number's own text.
  case number(String)
  case boolean(Bool)
  case null

  package struct Member: Equatable, Sendable {
    package let key: String
    package let value: JSONNode

    package init(key: String, value: JSONNode) {
      self.key = key
      self.value = value
    }
  }

  /// Why a text is not JSON, and at which byte.
  package struct SyntaxError: Error, Equatable {
    package let reason: String
    package let offset: Int
  }

  /// Parses one JSON value (RFC 8259) with nothing but white space after it.
  package init(parsing bytes: [UInt8]) throws(SyntaxError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.parseDocument()
  }

  package var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  package var elements: [JSONNode]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  package var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  package var flag: Bool? {
    if case .boolean(let flag) = self { flag } else { nil }
  }

  /// A number written as an integer that fits; nil for `1.0`, `1e3` and anything too large.
  package var integer: Int? {
    if case .number(let text) = self { Int(text) } else { nil }
  }

  /// Any number that is finite as a Double.
  package var double: Double? {
    guard case .number(let text) = self, let value = Double(text), value.isFinite else {
      return nil
    }
    return value
  }

  /// What the value is, for error messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .boolean(let flag): "\(flag)"
    case .number(let text): "the number \(text.shortened)"
    case .string(let text): "the string \(text.shortened.debugDescription)"
    case .array(let elements): "an array of \(elements.count)"
    case .object(let members): "an object of \(members.count)"
    }
  }

  /// The value of a key of an object; the first where there are several.
  package subscript(key: String) -> JSONNode? {
    guard case .object(let members) = self else { return nil }
    return members.firstIndex { $0.key == key }.map { members[$0].value }
  }

  /// The first key that an object gives twice.
  package var duplicateKey: String? {
    var seen = Set<String>()
    return members?.first { !seen.insert($0.key).inserted }?.key
  }

  /// The value as compact JSON, cut where an error message would become unreadable.
  package var excerpt: String { serialized.shortened }

  /// The value as compact JSON, keys in their order.
  package var serialized: String { String(decoding: bytes, as: UTF8.self) }

  /// The same in UTF-8.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    // A request, or a line of a journal; no more than glibc gives without a lock.
    bytes.reserveCapacity(960)
    write(to: &bytes)
    return bytes
  }

  private func write(to bytes: inout [UInt8]) {
    switch self {
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSONLiteral.quote(member.key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        element.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .string(let text): JSONLiteral.quote(text, to: &bytes)
    case .number(let text): bytes += text.utf8
    case .boolean(let flag): bytes += (flag ? "true" : "false").utf8
    case .null: bytes += "null".utf8
    }
  }

  /// The value as JSON with one member a line, indented by two spaces, as Hugging Face writes it.
  package func indented(by indentation: String = "") -> String {
    let inner = indentation + "  "
    switch self {
    case .object(let members) where !members.isEmpty:
      let lines = members.map {
        "\(inner)\(JSONLiteral.quoted($0.key)): \($0.value.indented(by: inner))"
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
    case .array(let elements) where !elements.isEmpty:
      let lines = elements.map { inner + $0.indented(by: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
    default:
      return serialized
    }
  }
}

extension String {
  /// At most 80 characters, for error messages; what was longer ends with dots.
  package var shortened: String { count <= 80 ? self : prefix(77) + "..." }
}

private enum JSONLiteral {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Writes a string literal: quotes, backslash and control characters escaped, all else as it is.
  static func quote(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    let isPlain = text.withUTF8 { utf8 in
      // Most texts have nothing to escape. All are looked at, many at a time, rather than up to the first.
      let marks = unsafe utf8.reduce(UInt8(0)) { $0 | (needsEscape($1) ? 1 : 0) }
      if marks == 0 { unsafe bytes.append(contentsOf: utf8) }
      return marks == 0
    }
    if !isPlain {
      for byte in text.utf8 { escape(byte, to: &bytes) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private static func escape(_ byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case ..<0x20: escape(control: byte, to: &bytes)
    default: bytes.append(byte)
    }
  }

  private static func escape(control byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    default:
      bytes += "u00".utf8
      bytes.append(digits[Int(byte >> 4)])
      bytes.append(digits[Int(byte & 15)])
    }
  }

  static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    quote(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
