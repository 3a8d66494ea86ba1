/// Cuts a template into tokens, as Jinja does with `trim_blocks` and `lstrip_blocks`: a block's or
/// comment's first newline after it is dropped, and so is the space before it on its line. A `-` at a
/// tag takes all white space on its side, a `+` keeps what these two would drop.
struct Lexer {
  let source: [Unicode.Scalar]
  /// The offset at which each line begins.
  private let lineStarts: [Int]
  var position = 0
  private var tokens: [Token] = []

  static func tokens(of template: String) throws(TemplateError) -> [Token] {
    var lexer = Lexer(template)
    try lexer.readAll()
    return lexer.tokens
  }

  private init(_ template: String) {
    var source: [Unicode.Scalar] = []
    for scalar in template.unicodeScalars {
      if scalar == "\n", source.last == "\r" { source.removeLast() }
      source.append(scalar)
    }
    source = source.map { $0 == "\r" ? "\n" : $0 }
    if source.last == "\n" { source.removeLast() }
    self.source = source
    lineStarts = [0] + source.indices.filter { source[$0] == "\n" }.map { $0 + 1 }
  }

  private mutating func readAll() throws(TemplateError) {
    while position < source.count {
      guard let opening = nextOpening() else {
        add(.data(string(position..<source.count)), at: position)
        position = source.count
        break
      }
      let sign = source.element(at: opening + 2).flatMap {
        "+-".unicodeScalars.contains($0) ? $0 : nil
      }
      let marker = source[opening + 1]
      addData(position..<opening, sign: sign, isVariable: marker == "{")
      position = opening + (sign == nil ? 2 : 3)
      switch marker {
      case "#": try skipComment(from: opening)
      case "{": try readTag(.variableBegin, .variableEnd, "}}", from: opening)
      default:
        if try !readRaw(from: opening) { try readTag(.blockBegin, .blockEnd, "%}", from: opening) }
      }
    }
    add(.end, at: source.count)
  }

  /// Where the next `{{`, `{%` or `{#` is.
  private func nextOpening() -> Int? {
    var index = position
    while index + 1 < source.count {
      if source[index] == "{", "{%#".unicodeScalars.contains(source[index + 1]) { return index }
      index += 1
    }
    return nil
  }

  /// The text before a tag, without the white space that the tag takes from it.
  private mutating func addData(_ range: Range<Int>, sign: Unicode.Scalar?, isVariable: Bool) {
    var end = range.upperBound
    if sign == "-" {
      while end > range.lowerBound, source[end - 1].isPythonSpace { end -= 1 }
    } else if sign == nil, !isVariable {
      var start = end
      while start > range.lowerBound, source[start - 1] != "\n", source[start - 1].isPythonSpace {
        start -= 1
      }
      // Only where the tag is the first on its line.
      if start == 0 || source[start - 1] == "\n" { end = start }
    }
    if end > range.lowerBound {
      add(.data(string(range.lowerBound..<end)), at: range.lowerBound)
    }
  }

  /// Steps over a tag's end, if it comes next, and the white space that it takes.
  private mutating func skipEnd(_ end: String, trimsNewline: Bool) -> Bool {
    var next = position
    let sign = source.element(at: next)
    let hasSign = sign == "-" || (sign == "+" && trimsNewline)
    if hasSign { next += 1 }
    guard has(end, at: next) else { return false }
    position = next + 2
    if sign == "-" {
      skipSpaces()
    } else if !hasSign, trimsNewline, source.element(at: position) == "\n" {
      position += 1
    }
    return true
  }

  private mutating func skipComment(from opening: Int) throws(TemplateError) {
    while position < source.count {
      if skipEnd("#}", trimsNewline: true) { return }
      position += 1
    }
    throw failure("the comment is not closed: expected '#}'", at: opening)
  }

  /// `{% raw %}` to `{% endraw %}`, if that is what comes; its text is none of the language.
  private mutating func readRaw(from opening: Int) throws(TemplateError) -> Bool {
    let start = position
    skipSpaces()
    guard skipWord("raw") else {
      position = start
      return false
    }
    skipSpaces()
    let isStripping = source.element(at: position) == "-"
    if isStripping { position += 1 }
    guard has("%}", at: position) else {
      position = start
      return false
    }
    position += 2
    if isStripping { skipSpaces() }
    let body = position
    while position < source.count {
      let end = position
      if has("{%", at: end) {
        position += 2
        let sign = source.element(at: position).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
        if sign != nil { position += 1 }
        skipSpaces()
        if skipWord("endraw") {
          skipSpaces()
          if skipEnd("%}", trimsNewline: true) {
            addData(body..<end, sign: sign, isVariable: false)
            return true
          }
        }
      }
      position = end + 1
    }
    throw failure("the raw block is not closed: expected '{% endraw %}'", at: opening)
  }

  /// A tag's tokens up to its end; inside of brackets no end is one.
  private mutating func readTag(
    _ begin: Token.Kind, _ end: Token.Kind, _ closing: String, from opening: Int
  ) throws(TemplateError) {
    add(begin, at: opening)
    var open: [Unicode.Scalar] = []
    while true {
      let start = position
      if open.isEmpty, skipEnd(closing, trimsNewline: end == .blockEnd) {
        add(end, at: start)
        return
      }
      guard let scalar = source.element(at: position) else {
        throw failure("the tag is not closed: expected '\(closing)'", at: opening)
      }
      if scalar.isPythonSpace {
        position += 1
      } else if let number = try readNumber() {
        add(number, at: start)
      } else if scalar.isNamePart {
        add(.name(try readName()), at: start)
      } else if scalar == "\"" || scalar == "'" {
        add(.string(try readString(scalar)), at: start)
      } else {
        add(.symbol(try readSymbol(&open)), at: start)
      }
    }
  }

  private mutating func readName() throws(TemplateError) -> String {
    let start = position
    while let next = source.element(at: position), next.isNamePart { position += 1 }
    guard source[start].isNameStart else {
      throw failure("'\(string(start..<position))' is no name", at: start)
    }
    return string(start..<position)
  }

  private static let pairs: [Unicode.Scalar: Unicode.Scalar] = ["(": ")", "[": "]", "{": "}"]
  private static let symbols = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";",
  ]

  private mutating func readSymbol(_ open: inout [Unicode.Scalar]) throws(TemplateError) -> String {
    let start = position
    guard let symbol = Self.symbols.first(where: { has($0, at: start) }) else {
      throw failure("'\(source[start])' has no meaning in a tag", at: start)
    }
    position += symbol.unicodeScalars.count
    let scalar = source[start]
    if let closing = Self.pairs[scalar] {
      open.append(closing)
    } else if ")]}".unicodeScalars.contains(scalar) {
      guard let expected = open.popLast() else {
        throw failure("unexpected '\(scalar)'", at: start)
      }
      if expected != scalar {
        throw failure("unexpected '\(scalar)': expected '\(expected)'", at: start)
      }
    }
    return symbol
  }
}

/// Places, and steps over what comes next.
extension Lexer {
  func failure(_ message: String, at offset: Int) -> TemplateError {
    TemplateError(.syntax, message, at: location(offset))
  }

  private func location(_ offset: Int) -> Location {
    var (low, high) = (0, lineStarts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return Location(line: low + 1, column: offset - lineStarts[low] + 1)
  }

  private mutating func add(_ kind: Token.Kind, at offset: Int) {
    tokens.append(Token(kind: kind, location: location(offset)))
  }

  func string(_ range: Range<Int>) -> String { Text(source[range]).string }

  private func has(_ text: String, at offset: Int) -> Bool {
    var offset = offset
    for scalar in text.unicodeScalars {
      guard source.element(at: offset) == scalar else { return false }
      offset += 1
    }
    return true
  }

  private mutating func skipSpaces() {
    while let next = source.element(at: position), next.isPythonSpace { position += 1 }
  }

  private mutating func skipWord(_ word: String) -> Bool {
    guard has(word, at: position) else { return false }
    position += word.unicodeScalars.count
    return true
  }
}

extension Array {
  func element(at index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
