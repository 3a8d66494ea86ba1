/// A key of `rank_pattern` or `alpha_pattern`.
///
/// PEFT's rule: the regular expression `(.*\.)?(KEY)$` matches the module's name from its start. The key
/// comes from a file that anyone may have written, and an engine that backtracks can be kept busy for
/// years by a short one. So it is matched by sets: of the places where a part may begin, those where it
/// may end, each place once. What cannot be matched so (look-around, back-references) is refused, as are
/// flags.
struct ModulePattern {
  private let key: Part

  /// nil where it is no regular expression, or one of those that are refused.
  init?(_ key: String) {
    var parser = PatternParser(key)
    guard let part = parser.parse() else { return nil }
    self.key = part
  }

  func matches(_ module: String) -> Bool {
    let name = Array(module.unicodeScalars)
    // Where the key may begin: at the start, or behind any dot.
    let starts = [0] + name.indices.filter { name[$0] == "." }.map { $0 + 1 }
    return key.ends(in: name, from: Set(starts)).contains(name.count)
  }

  /// A part of a regular expression.
  indirect enum Part {
    case sequence([Part])
    case either([Part])
    case repeated(Part, atLeast: Int, atMost: Int?)
    case scalar(@Sendable (Unicode.Scalar) -> Bool)
    case start
    case end

    /// Where it may end, of the places where it may begin.
    func ends(in name: [Unicode.Scalar], from starts: Set<Int>) -> Set<Int> {
      switch self {
      case .sequence(let parts):
        return parts.reduce(starts) { $0.isEmpty ? $0 : $1.ends(in: name, from: $0) }
      case .either(let parts):
        return parts.reduce(into: []) { $0.formUnion($1.ends(in: name, from: starts)) }
      case .repeated(let part, let least, let most):
        return Self.ends(of: part, least, most, in: name, from: starts)
      case .scalar(let accepts):
        return Set(starts.filter { $0 < name.count && accepts(name[$0]) }.map { $0 + 1 })
      case .start: return starts.intersection([0])
      case .end: return starts.intersection([name.count])
      }
    }

    private static func ends(
      of part: Part, _ least: Int, _ most: Int?, in name: [Unicode.Scalar], from starts: Set<Int>
    ) -> Set<Int> {
      var places = starts
      var count = 0
      while count < least {
        let next = part.ends(in: name, from: places)
        // It moves on with every turn or, if it may be empty, comes to stand: large counts end too.
        if next == places { break }
        places = next
        count += 1
        if places.isEmpty { return [] }
      }
      var all = places
      var left = most.map { $0 - least } ?? Int.max
      while left > 0, !places.isEmpty {
        places = part.ends(in: name, from: places).subtracting(all)
        all.formUnion(places)
        left -= 1
      }
      return all
    }
  }
}

/// Reads Python's regular expressions, as far as they are regular.
private struct PatternParser {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var depth = 0

  /// Far above any key's.
  private static let depthLimit = 32
  private static let lengthLimit = 4_096

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func consume(_ scalar: Unicode.Scalar) -> Bool {
    guard current == scalar else { return false }
    position += 1
    return true
  }

  mutating func parse() -> ModulePattern.Part? {
    guard scalars.count <= Self.lengthLimit, let part = parseAlternatives() else { return nil }
    return position == scalars.count ? part : nil
  }

  private mutating func parseAlternatives() -> ModulePattern.Part? {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { return nil }
    var alternatives: [ModulePattern.Part] = []
    repeat {
      var parts: [ModulePattern.Part] = []
      while let scalar = current, scalar != "|", scalar != ")" {
        guard let part = parseRepeated() else { return nil }
        parts.append(part)
      }
      alternatives.append(.sequence(parts))
    } while consume("|")
    return alternatives.count == 1 ? alternatives[0] : .either(alternatives)
  }

  private mutating func parseRepeated() -> ModulePattern.Part? {
    guard let part = parseSingle() else { return nil }
    guard let (least, most) = parseCount() else { return part }
    guard most.map({ $0 >= least }) ?? true else { return nil }
    _ = consume("?")  // Lazy or not, the same names match.
    guard parseCount() == nil, current != "+" else { return nil }
    return .repeated(part, atLeast: least, atMost: most)
  }

  /// `*`, `+`, `?`, `{2}`, `{2,}`, `{,3}` or `{2,3}`; a brace that begins none is a character.
  private mutating func parseCount() -> (least: Int, most: Int?)? {
    if consume("*") { return (0, nil) }
    if consume("+") { return (1, nil) }
    if consume("?") { return (0, 1) }
    let begin = position
    guard consume("{") else { return nil }
    let least = parseInteger()
    if let least, consume("}") { return (least, least) }
    if consume(",") {
      let most = parseInteger()
      if least != nil || most != nil, consume("}") { return (least ?? 0, most) }
    }
    position = begin
    return nil
  }

  private mutating func parseInteger() -> Int? {
    let begin = position
    while let scalar = current, ("0"..."9").contains(scalar) { position += 1 }
    return Int(String(String.UnicodeScalarView(scalars[begin..<position])))
  }

  private mutating func parseSingle() -> ModulePattern.Part? {
    guard let scalar = current else { return nil }
    position += 1
    switch scalar {
    case "(":
      if consume("?"), !consume(":") { return nil }
      guard let part = parseAlternatives(), consume(")") else { return nil }
      return part
    case "[": return parseSet()
    case "^": return .start
    case "$": return .end
    case ".": return .scalar { $0 != "\n" }
    case "*", "+", "?": return nil
    case "\\":
      return parseEscape().map { .scalar($0) }
    default: return .scalar { $0 == scalar }
    }
  }

  /// What a backslash makes of the next character: a kind of characters, or punctuation itself.
  private mutating func parseEscape() -> (@Sendable (Unicode.Scalar) -> Bool)? {
    guard let scalar = current else { return nil }
    position += 1
    switch scalar {
    case "d": return { $0.properties.numericType == .decimal }
    case "D": return { $0.properties.numericType != .decimal }
    case "w": return { Self.isWord($0) }
    case "W": return { !Self.isWord($0) }
    case "s": return { $0.properties.isWhitespace }
    case "S": return { !$0.properties.isWhitespace }
    case _ where scalar.isASCII && !Self.isWord(scalar): return { $0 == scalar }
    case "_": return { $0 == "_" }
    default: return nil
    }
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }

  /// `[…]`: characters, ranges and escapes; a bracket that comes first is a character.
  private mutating func parseSet() -> ModulePattern.Part? {
    let isNegated = consume("^")
    var accepted: [@Sendable (Unicode.Scalar) -> Bool] = []
    while let scalar = current, scalar != "]" || accepted.isEmpty {
      position += 1
      if scalar == "\\" {
        guard let escape = parseEscape() else { return nil }
        accepted.append(escape)
      } else if current == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
        let last = scalars[position + 1]
        guard last != "\\", scalar <= last else { return nil }
        position += 2
        accepted.append { (scalar...last).contains($0) }
      } else {
        accepted.append { $0 == scalar }
      }
    }
    guard consume("]") else { return nil }
    let all = accepted
    return .scalar { scalar in all.contains { $0(scalar) } != isNegated }
  }
}
