import Foundation

/// Finds the place in a reply where its answer stands.
///
/// Small models run on after an answer with a further example of their own. So only the first block
/// counts: to the end of the line with the first `####`; to the first line that opens another
/// question; and, behind an answer that is marked, to the end of its paragraph, unless the next one
/// goes on with the same question ("Wait, …", "So the final answer …").
struct FinalAnswer {
  /// What follows the most telling mark of the block, to the end of its line; the whole block where
  /// there is none.
  let text: String
  let isMarked: Bool
  /// The block.
  let block: String

  init(_ reply: String) {
    let plain = Self.withoutLaTeX(reply)
    var lines = plain.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    lines = Array(lines[..<Self.endOfQuestion(lines)])
    if let hashes = Self.firstHashes(in: lines) {
      block = lines[...hashes.line].joined(separator: "\n")
      text = hashes.answer
      isMarked = true
      return
    }
    block = Self.sameAnswer(lines).joined(separator: "\n")
    if let answer = Self.marked(in: block) {
      text = answer
      isMarked = true
    } else {
      text = block
      isMarked = false
    }
  }

  // MARK: - Blocks

  /// The first line, other than the reply's own first, that opens another question.
  private static func endOfQuestion(_ lines: [String]) -> Int {
    let openings = [
      "question", "q", "problem", "example", "exercise", "user", "human", "instruction", "input",
    ]
    var hasText = false
    for (index, line) in lines.enumerated() {
      let bare = line.lowercased().drop { !$0.isLetter }
      let word = bare.prefix { $0.isLetter }
      let rest = bare.dropFirst(word.count).drop { $0.isNumber || " *_".contains($0) }
      if hasText, openings.contains(String(word)), rest.first == ":" {
        // A question restated in front of its answer opens nothing.
        let before = lines[..<index].joined(separator: "\n")
        let isApart = index > 0 && lines[index - 1].allSatisfy(\.isWhitespace)
        if isApart && before.contains(where: \.isNumber) || marked(in: before) != nil
          || firstHashes(in: Array(lines[..<index])) != nil
        {
          return index
        }
      }
      hasText = hasText || line.contains { !$0.isWhitespace }
    }
    return lines.count
  }

  private static func firstHashes(in lines: [String]) -> (line: Int, answer: String)? {
    for (index, line) in lines.enumerated() {
      guard let place = line.range(of: "####") else { continue }
      let answer = line[place.upperBound...].drop { "# *:".contains($0) }
      // A heading is no answer.
      let word = answer.lowercased().prefix { $0.isLetter }
      let headings = [
        "step", "part", "question", "problem", "example", "solution", "explanation", "answer",
        "the", "final",
      ]
      if !answer.isEmpty, !headings.contains(String(word)) { return (index, String(answer)) }
    }
    return nil
  }

  /// The lines up to the end of the first marked answer's paragraph, and those that go on with it.
  private static func sameAnswer(_ lines: [String]) -> [String] {
    let goingOn = [
      "so", "thus", "hence", "therefore", "wait", "no", "sorry", "actually", "correction",
      "however", "but", "let", "now", "next", "then", "finally", "final", "in", "step", "oops",
      "hmm",
    ]
    var end = 0
    var isAnswered = false
    while end < lines.count {
      if isAnswered, lines[end].allSatisfy(\.isWhitespace) {
        let next = lines[end...].first { !$0.allSatisfy(\.isWhitespace) }
        let word = next?.lowercased().drop { !$0.isLetter }.prefix { $0.isLetter } ?? ""
        if !goingOn.contains(String(word)) { break }
      }
      end += 1
      isAnswered = isAnswered || marked(in: lines[..<end].joined(separator: "\n")) != nil
    }
    return Array(lines[..<end])
  }

  // MARK: - Marks

  /// Behind the last `\boxed`, else the last "answer is" or "answer:"; nil where nothing follows.
  private static func marked(in block: String) -> String? {
    boxed(in: block) ?? behindAnswer(in: block)
  }

  private static func boxed(in block: String) -> String? {
    for name in ["\\boxed", "\\fbox"] {
      guard let place = block.range(of: name, options: .backwards) else { continue }
      let rest = block[place.upperBound...].drop { $0 == " " }
      guard rest.first == "{" else {
        let word = rest.prefix { !$0.isWhitespace }
        if !word.isEmpty { return String(word) }
        continue
      }
      var depth = 0
      var inside = ""
      for character in rest {
        if character == "{" { depth += 1 }
        if character == "}" { depth -= 1 }
        if depth == 0 || character.isNewline { break }
        if character != "{", character != "}" { inside.append(character) }
      }
      if inside.contains(where: { !$0.isWhitespace }) { return inside }
    }
    return nil
  }

  private static func behindAnswer(in block: String) -> String? {
    var end = block.endIndex
    while let word = block.range(
      of: "answer", options: [.backwards, .caseInsensitive], range: block.startIndex..<end)
    {
      end = word.lowerBound
      guard let rest = behindLink(block[word.upperBound...]) else { continue }
      let line = rest.drop { $0.isWhitespace || "*_:=".contains($0) }.prefix { !$0.isNewline }
      if !line.isEmpty { return String(line) }
    }
    return nil
  }

  /// Behind "is", "would be", "equals", a colon or an equals sign, up to four words on.
  private static func behindLink(_ text: Substring) -> Substring? {
    var rest = text
    for _ in 0..<5 {
      rest = rest.drop { "*_ ".contains($0) }
      guard let first = rest.first else { return nil }
      if first == ":" || first == "=" { return rest.dropFirst() }
      let word = rest.prefix { $0.isLetter }
      guard !word.isEmpty else { return nil }
      rest = rest.dropFirst(word.count)
      if ["is", "be", "equals", "was"].contains(word.lowercased()) { return rest }
    }
    return nil
  }

  // MARK: - LaTeX

  /// A reply with LaTeX's numbers as plain ones: `1{,}000`, `\frac{1}{2}`, `\$8`, `8 \text{ hats}`.
  static func withoutLaTeX(_ reply: String) -> String {
    var text = reply.replacingOccurrences(of: "\r\n", with: "\n")
    for (fraction, plain) in [
      ("½", " 1/2"), ("¼", " 1/4"), ("¾", " 3/4"), ("⅓", " 1/3"), ("⅔", " 2/3"), ("⅛", " 1/8"),
      ("\u{2044}", "/"), ("\u{FF0C}", ","), ("\u{FF1D}", "="),
    ] where text.contains(fraction) {
      text = text.replacingOccurrences(of: fraction, with: plain)
    }
    guard text.contains("\\") || text.contains("{,}") else { return text }
    for name in ["\\dfrac", "\\tfrac", "\\cfrac", "\\frac"] {
      text = text.replacing(fractionsNamed: name)
    }
    for (form, plain) in [
      ("{,}", ","), ("\\,", "\u{2009}"), ("\\!", ""), ("\\;", " "), ("\\:", " "), ("\\ ", " "),
      ("\\$", "$"), ("\\%", "%"), ("\\(", " "), ("\\)", " "), ("\\[", " "), ("\\]", " "),
      ("\\times", "×"), ("\\cdot", "·"), ("\\div", "÷"), ("\\approx", "≈"), ("\\left", ""),
      ("\\right", ""), ("\\textbf", ""), ("\\textit", ""), ("\\text", ""), ("\\mathrm", ""),
      ("\\mathbf", ""), ("\\mbox", ""), ("\\quad", " "), ("^{", "^"),
    ] where text.contains(form) {
      text = text.replacingOccurrences(of: form, with: plain)
    }
    return text
  }
}

extension String {
  /// `\frac{1}{2}` and `\frac12` as `1/2`, and `2\frac{1}{2}` as `2 1/2`; what holds more than
  /// numbers is left as it is.
  fileprivate func replacing(fractionsNamed name: String) -> String {
    var result = ""
    var rest = self[...]
    while let place = rest.range(of: name) {
      result += rest[..<place.lowerBound]
      rest = rest[place.upperBound...]
      let start = rest
      guard let top = Self.argument(&rest), let bottom = Self.argument(&rest) else {
        result += name
        rest = start
        continue
      }
      if result.last?.isNumber == true { result += " " }
      result += "\(top)/\(bottom)"
    }
    return result + rest
  }

  private static func argument(_ text: inout Substring) -> Substring? {
    if text.first == "{" {
      let inside = text.dropFirst().prefix { $0.isNumber }
      guard !inside.isEmpty, text.dropFirst(inside.count + 1).first == "}" else { return nil }
      text = text.dropFirst(inside.count + 2)
      return inside
    }
    guard let digit = text.first, digit.isNumber else { return nil }
    let inside = text.prefix(1)
    text = text.dropFirst()
    return inside
  }
}
