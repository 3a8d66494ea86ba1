/// A strict RFC 8259 parser over UTF-8 bytes.
struct JSONParser {
  /// Deeper than any header or configuration; keeps hostile nesting from exhausting the stack.
  private static let depthLimit = 64

  private let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func parseDocument() throws(JSONNode.SyntaxError) -> JSONNode {
    let node = try parseValue(depth: 0)
    skipWhitespace()
    guard position == bytes.count else { throw failure("unexpected text after the value") }
    return node
  }

  private func failure(_ reason: String) -> JSONNode.SyntaxError {
    JSONNode.SyntaxError(reason: reason, offset: position)
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhitespace() {
    while let byte = current,
      byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
        || byte == UInt8(ascii: "\t")
    {
      position += 1
    }
  }

  /// Steps over an ASCII character if it comes next.
  private mutating func consume(_ mark: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: mark) else { return false }
    position += 1
    return true
  }

  private mutating func parseValue(depth: Int) throws(JSONNode.SyntaxError) -> JSONNode {
    guard depth <= Self.depthLimit else { throw failure("nested too deeply") }
    skipWhitespace()
    switch current {
    case nil: throw failure("the text ends where a value should be")
    case UInt8(ascii: "{"): return try parseObject(depth: depth)
    case UInt8(ascii: "["): return try parseArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", as: .boolean(true))
    case UInt8(ascii: "f"): return try parseWord("false", as: .boolean(false))
    case UInt8(ascii: "n"): return try parseWord("null", as: .null)
    default: return try parseNumber()
    }
  }

  private mutating func parseWord(
    _ word: String, as node: JSONNode
  ) throws(JSONNode.SyntaxError) -> JSONNode {
    guard bytes[position...].starts(with: word.utf8) else { throw failure("not a value") }
    position += word.utf8.count
    return node
  }

  private mutating func parseObject(depth: Int) throws(JSONNode.SyntaxError) -> JSONNode {
    position += 1
    var members: [JSONNode.Member] = []
    skipWhitespace()
    if consume("}") { return .object(members) }
    members.reserveCapacity(8)
    while true {
      skipWhitespace()
      guard current == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
      let key = try parseString()
      skipWhitespace()
      guard consume(":") else { throw failure("expected a colon after a key") }
      members.append(JSONNode.Member(key: key, value: try parseValue(depth: depth + 1)))
      skipWhitespace()
      if consume("}") { return .object(members) }
      guard consume(",") else { throw failure("expected a comma or the end of the object") }
    }
  }

  private mutating func parseArray(depth: Int) throws(JSONNode.SyntaxError) -> JSONNode {
    position += 1
    var elements: [JSONNode] = []
    skipWhitespace()
    if consume("]") { return .array(elements) }
    while true {
      elements.append(try parseValue(depth: depth + 1))
      skipWhitespace()
      if consume("]") { return .array(elements) }
      guard consume(",") else { throw failure("expected a comma or the end of the array") }
    }
  }

  /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
  private mutating func parseNumber() throws(JSONNode.SyntaxError) -> JSONNode {
    let start = position
    _ = consume("-")
    if !consume("0") {
      try parseDigits()
    }
    if consume(".") {
      try parseDigits()
    }
    if consume("e") || consume("E") {
      if !consume("+") { _ = consume("-") }
      try parseDigits()
    }
    return .number(String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private mutating func parseDigits() throws(JSONNode.SyntaxError) {
    let start = position
    while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      position += 1
    }
    guard position > start else { throw failure("not a value") }
  }

  private mutating func parseString() throws(JSONNode.SyntaxError) -> String {
    position += 1
    let start = position
    try skipPlain()
    if current == UInt8(ascii: "\"") {
      position += 1
      return try text(bytes[start..<position - 1])
    }
    var content = Array(bytes[start..<position])
    while current != UInt8(ascii: "\"") {
      position += 1
      content.append(contentsOf: String(try parseEscape()).utf8)
      let start = position
      try skipPlain()
      content += bytes[start..<position]
    }
    position += 1
    return try text(content[...])
  }

  /// Steps to the quotation mark that ends a string, or to its next escape.
  private mutating func skipPlain() throws(JSONNode.SyntaxError) {
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
      guard byte >= 0x20 else { throw failure("an unescaped control character in a string") }
      position += 1
    }
    throw failure("the text ends inside a string")
  }

  private func text(_ content: ArraySlice<UInt8>) throws(JSONNode.SyntaxError) -> String {
    // Most are ASCII, which is UTF-8; `String(validating:)` takes each byte by itself.
    if content.reduce(0, |) < 0x80 { return String(decoding: content, as: UTF8.self) }
    guard let text = String(validating: content, as: UTF8.self) else {
      throw failure("a string that is not UTF-8")
    }
    return text
  }

  private mutating func parseEscape() throws(JSONNode.SyntaxError) -> Unicode.Scalar {
    guard let byte = current else { throw failure("the text ends inside a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw failure("an unknown escape in a string")
    }
    let unit = try parseHexadecimal()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    // The first half of a surrogate pair; the second must follow.
    guard unit < 0xDC00, consume("\\"), consume("u") else {
      throw failure("half a surrogate pair in a string")
    }
    let second = try parseHexadecimal()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00))
    else {
      throw failure("half a surrogate pair in a string")
    }
    return scalar
  }

  private mutating func parseHexadecimal() throws(JSONNode.SyntaxError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
