/// Numbers and strings.
extension Lexer {
  /// An integer (`12`, `1_000`, `0x1F`) or a number with a point or an exponent, if one comes next.
  mutating func readNumber() throws(TemplateError) -> Token.Kind? {
    let start = position
    guard let first = source.element(at: start), ("0"..."9").contains(first) else { return nil }
    let whole = digits(from: start) { ("0"..."9").contains($0) }
    var end = whole
    // After a point `x.1.2` goes on with items, not with a fraction.
    if start == 0 || source[start - 1] != "." {
      if source.element(at: end) == "." {
        let fraction = digits(from: end + 1) { ("0"..."9").contains($0) }
        if fraction > end + 1 { end = fraction }
      }
      if let letter = source.element(at: end), letter == "e" || letter == "E" {
        let sign = source.element(at: end + 1)
        let from = sign == "+" || sign == "-" ? end + 2 : end + 1
        let exponent = digits(from: from) { ("0"..."9").contains($0) }
        if exponent > from { end = exponent }
      }
    }
    if end > whole {
      position = end
      return .float(PythonFloat.parse(Text(source[start..<end])) ?? .nan)
    }
    return .integer(try readInteger(from: start, decimalEnd: whole))
  }

  private mutating func readInteger(
    from start: Int, decimalEnd: Int
  ) throws(TemplateError) -> Integer {
    var end = decimalEnd
    if source[start] == "0" {
      // Zeros alone, or a prefix with digits of its base.
      end = digits(from: start) { $0 == "0" }
      let bases: [Unicode.Scalar: String] = ["b": "01", "o": "01234567", "x": "0123456789abcdef"]
      if let letter = source.element(at: start + 1),
        let allowed = bases[letter.properties.lowercaseMapping.unicodeScalars.first ?? letter]
      {
        let isDigit = { (scalar: Unicode.Scalar) in
          allowed.contains(scalar.properties.lowercaseMapping)
        }
        let from = source.element(at: start + 2) == "_" ? start + 3 : start + 2
        let last = digits(from: from, isDigit)
        if last > from { end = last }
      }
    }
    position = end
    guard let value = Integer(parsing: Text(source[start..<end]), base: 0) else {
      throw failure("the number has too many digits", at: start)
    }
    return value
  }

  /// The end of digits with single underscores between them.
  private func digits(from start: Int, _ isDigit: (Unicode.Scalar) -> Bool) -> Int {
    var end = start
    while let next = source.element(at: end) {
      if isDigit(next) {
        end += 1
      } else if next == "_", end > start, let after = source.element(at: end + 1), isDigit(after) {
        end += 2
      } else {
        break
      }
    }
    return end
  }

  mutating func readString(_ quote: Unicode.Scalar) throws(TemplateError) -> String {
    let start = position
    position += 1
    var result = String.UnicodeScalarView()
    while let next = source.element(at: position) {
      position += 1
      if next == quote { return String(result) }
      if next == "\\" {
        try readEscape(into: &result)
      } else {
        result.append(next)
      }
    }
    throw failure("the string is not closed: expected \(quote)", at: start)
  }

  private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n",
    "r": "\r", "t": "\t", "v": "\u{B}",
  ]

  /// What follows a backslash, as in Python's strings; an unknown escape stands for itself.
  private mutating func readEscape(
    into result: inout String.UnicodeScalarView
  ) throws(TemplateError) {
    guard let letter = source.element(at: position) else { return }
    position += 1
    switch letter {
    case "\n": break
    case "x": result.append(try readCode(digits: 2))
    case "u": result.append(try readCode(digits: 4))
    case "U": result.append(try readCode(digits: 8))
    case "0"..."7":
      var code = letter.value - 48
      for _ in 0..<2 {
        guard let next = source.element(at: position), ("0"..."7").contains(next) else { break }
        code = code * 8 + next.value - 48
        position += 1
      }
      result.append(Unicode.Scalar(code) ?? "?")
    default:
      if let scalar = Self.escapes[letter] {
        result.append(scalar)
      } else {
        result.append("\\")
        result.append(letter)
      }
    }
  }

  private mutating func readCode(digits: Int) throws(TemplateError) -> Unicode.Scalar {
    let start = position
    let end = min(start + digits, source.count)
    let text = string(start..<end)
    position = end
    guard end == start + digits, let code = UInt32(text, radix: 16),
      let scalar = Unicode.Scalar(code)
    else { throw failure("'\(text)' names no character: expected \(digits) digits", at: start) }
    return scalar
  }
}
