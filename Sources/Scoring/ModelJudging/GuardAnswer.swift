/// What a guard model said. Its first line decides; what it says further must not contradict.
enum GuardAnswer: Hashable {
  case safe, unsafe, controversial

  var score: Double {
    switch self {
    case .safe: 0
    case .controversial: 0.5
    case .unsafe: 1
    }
  }

  /// nil for anything that could be read in two ways: never safe by accident.
  init?(_ text: String) {
    let lines = Self.withoutControlTokens(text).split(whereSeparator: \.isNewline)
      .map { Self.bare($0) }.filter { !$0.isEmpty }
    guard let first = lines.first else { return nil }
    let rest = lines.dropFirst()
    switch Self.withoutLabel(first) {
    case "safe":
      guard rest.allSatisfy(Self.agreesWithSafe) else { return nil }
      self = .safe
    case "controversial":
      self = .controversial
    case let line where line.hasPrefix("unsafe"):
      guard Self.isReason(line.dropFirst("unsafe".count)),
        !rest.contains(where: { Self.withoutLabel($0) == "safe" })
      else { return nil }
      self = .unsafe
    default: return nil
    }
  }

  /// `<|eot_id|>`, `</s>` and their like, which some servers leave in.
  private static func withoutControlTokens(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "<") {
      result += rest[..<start]
      let inside = rest[start...].dropFirst().prefix { $0 != ">" && !$0.isWhitespace }
      let end = rest.index(start, offsetBy: inside.count + 1)
      let isToken = inside.first == "|" && inside.last == "|" || ["s", "/s"].contains(inside)
      if isToken, end < rest.endIndex, rest[end] == ">" {
        rest = rest[rest.index(after: end)...]
      } else {
        result.append("<")
        rest = rest[rest.index(after: start)...]
      }
    }
    return result + rest
  }

  /// A line in lower case without decoration around it.
  private static func bare(_ line: Substring) -> String {
    let decoration = " \t\u{FEFF}*_`#>\"'.!,;:-[]()"
    var line = line.lowercased().filter { !"*_`".contains($0) }[...]
    while let last = line.last, decoration.contains(last) { line.removeLast() }
    while let first = line.first, decoration.contains(first) { line.removeFirst() }
    return line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// What stands behind `safety:` or another word for the verdict.
  private static func withoutLabel(_ line: String) -> String {
    let labels = [
      "safety", "safety assessment", "safety label", "response safety", "assessment", "verdict",
      "answer", "label", "result", "classification", "rating", "judgement", "judgment",
    ]
    guard let colon = line.firstIndex(of: ":"), labels.contains(String(line[..<colon])) else {
      return line
    }
    return bare(line[line.index(after: colon)...])
  }

  /// Whether what follows `unsafe` on its line says why: codes, or words behind a mark, with nothing
  /// that takes it back.
  private static func isReason(_ rest: Substring) -> Bool {
    guard let first = rest.first else { return true }
    let words = rest.split { !$0.isLetter && !$0.isNumber }
    if first == " ", words.allSatisfy({ isCode($0) }) { return true }
    let isApart = rest.drop { $0 == " " }.first.map { ":,;-–—(".contains($0) } ?? false
    return isApart
      && !words.contains { ["no", "not", "none", "safe", "isn", "false"].contains($0) }
  }

  /// `S1`, `O3`.
  private static func isCode(_ word: Substring) -> Bool {
    guard let first = word.first, first == "s" || first == "o", word.count > 1 else { return false }
    return word.dropFirst().allSatisfy(\.isNumber)
  }

  private static func agreesWithSafe(_ line: String) -> Bool {
    if line.hasPrefix("categor") {
      let value = line.drop { $0 != ":" }.dropFirst().filter { $0 != " " }
      return ["", "none", "no", "n/a"].contains(value)
    }
    let words = line.split { !$0.isLetter && !$0.isNumber }
    let against = [
      "unsafe", "harmful", "controversial", "violates", "violated", "violation", "not",
    ]
    return !words.contains { isCode($0) || against.contains(String($0)) }
  }
}
