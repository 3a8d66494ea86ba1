import Foundation

/// What a reasoning model thought, told apart from its answer, in a text where the server left both.
///
/// Thoughts stand first: between tags of some family, in channels, or before a closing tag whose
/// opening one the chat template wrote. Tags further on are part of the answer, so that nothing the
/// judge should see can be put between them; what stands before a lone closing tag is kept as reasoning.
package struct Thoughts {
  /// nil where there are none.
  package private(set) var reasoning: String?
  package private(set) var answer: String
  /// Whether the text ends before an answer began.
  package private(set) var isOpen = false

  package init(separating content: String) {
    answer = content
    guard content.unicodeScalars.contains(where: Self.beginsMark) || Self.isBareHarmony(content)
    else {
      separateByHeadings()
      return
    }
    if let channels = Self.channels(of: content) {
      (reasoning, answer, isOpen) = channels
      return
    }
    var found: [String] = []
    var rest = Self.trimmed(content[...])
    while let opening = Self.opening(of: rest) {
      let inside = rest.dropFirst(opening.length)
      guard let end = Self.range(of: opening.closing, in: inside) else {
        found.append(Self.trimmed(inside))
        rest = ""
        isOpen = true
        break
      }
      found.append(Self.trimmed(inside[..<end.lowerBound]))
      rest = Self.trimmed(inside[end.upperBound...])
    }
    // An opening that the template wrote is not in the text.
    while !isOpen, let end = Self.loneClosing(in: rest) {
      found.append(Self.trimmed(rest[..<end.lowerBound]))
      rest = Self.trimmed(rest[end.upperBound...])
    }
    guard !found.isEmpty else {
      separateByHeadings()
      return
    }
    reasoning = found.filter { !$0.isEmpty }.joined(separator: "\n\n")
    answer = Self.unwrapped(rest)
  }

  private static func trimmed(_ text: Substring) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func range(of mark: String, in text: Substring) -> Range<String.Index>? {
    text.range(of: mark, options: .caseInsensitive)
  }

  private static func beginsMark(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "<" || scalar == "[" || scalar == "◁"
  }

  // MARK: - Tags

  /// Marks that are no tags with a name.
  private static let pairs = [
    ("<|begin_of_thought|>", "<|end_of_thought|>"), ("<|start_thinking|>", "<|end_thinking|>"),
    ("[think]", "[/think]"), ("◁think▷", "◁/think▷"), ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"), ("<unused94>thought", "<unused95>"),
    ("<|think|>", "<|/think|>"), ("<|thinking|>", "<|/thinking|>"),
  ]

  /// A tag is one of thoughts by a part of its name or by all of it.
  private static let parts = ["think", "thought", "reasoning", "monologue", "scratchpad"]
  private static let names: Set<String> = ["cot", "reason", "reflection", "analysis"]

  /// The mark with which a text begins, and the one that ends it.
  private static func opening(of text: String) -> (length: Int, closing: String)? {
    let head = text.prefix(120).lowercased()
    for (open, close) in pairs where head.hasPrefix(open) { return (open.count, close) }
    guard head.first == "<", let end = head.firstIndex(of: ">") else { return nil }
    // What an attribute says counts too: <details type="reasoning">.
    let tag = head.dropFirst()[..<end]
    let name = tag.prefix { !$0.isWhitespace }
    guard !name.isEmpty, name.allSatisfy(isNamePart), tag == name || tag.contains("="),
      names.contains(String(name)) || parts.contains(where: tag.contains)
    else { return nil }
    return (tag.count + 2, "</\(name)>")
  }

  /// Whether a reply's beginning is so short that it may still become a mark that opens thoughts.
  package static func isUndecided(_ beginning: String) -> Bool {
    let start = trimmed(beginning[...])
    guard let first = start.unicodeScalars.first else { return true }
    if beginsMark(first) { return start.count <= 40 }
    let text = start.lowercased()
    return ["analysis", "here is my thought process:"].contains { $0.hasPrefix(text) }
  }

  /// The mark with which a prompt opens the model's thoughts, such as a template's last `<think>`; nil where
  /// it does not.
  package static func opening(atEndOf prompt: String) -> String? {
    let tail = trimmed(prompt.suffix(160))
    guard let start = tail.unicodeScalars.lastIndex(where: beginsMark) else { return nil }
    let mark = String(tail[start...])
    guard let opening = opening(of: mark), opening.length == mark.count else { return nil }
    return mark
  }

  private static func isNamePart(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || "_-:.".contains(character)
  }

  /// A closing mark of thoughts that were opened before the text begins.
  private static func loneClosing(in text: String) -> Range<String.Index>? {
    let closings =
      ["</think>", "</thinking>", "</thought>", "</thoughts>", "</reasoning>", "</seed:think>"]
      + pairs.map(\.1)
    var first: Range<String.Index>?
    for closing in closings {
      var from = text.startIndex
      while let found = range(of: closing, in: text[from...]) {
        from = found.upperBound
        if let first, first.lowerBound <= found.lowerBound { break }
        guard !isQuoted(found, in: text) else { continue }
        let open = closing.replacingOccurrences(of: "/", with: "")
        if open != closing, range(of: open, in: text[..<found.lowerBound]) != nil { break }
        first = found
        break
      }
    }
    return first
  }

  /// Whether a mark is spoken of, in quotation marks or code, and not used.
  private static func isQuoted(_ mark: Range<String.Index>, in text: String) -> Bool {
    let marks: Set<Character> = ["`", "\"", "'", "“", "”", "‘", "’", "«", "»"]
    let before = text[..<mark.lowerBound]
    let isBetween =
      before.last.map(marks.contains) ?? false
      && text[mark.upperBound...].first.map(marks.contains) ?? false
    return isBetween || before.components(separatedBy: "```").count.isMultiple(of: 2)
  }

  /// The answer without the marks that some families put around it.
  private static func unwrapped(_ text: String) -> String {
    for (open, close) in [
      ("<answer>", "</answer>"), ("<response>", "</response>"),
      ("<|begin_of_solution|>", "<|end_of_solution|>"),
      ("<|start_response|>", "<|end_response|>"), ("<|start_text|>", "<|end_text|>"),
    ] where text.prefix(open.count).lowercased() == open {
      let inside = text.dropFirst(open.count)
      let end = range(of: close, in: inside)?.lowerBound ?? inside.endIndex
      return trimmed(inside[..<end])
    }
    return text
  }

  /// Families that write headings in place of tags.
  private mutating func separateByHeadings() {
    // Nearly all replies end here.
    let first = answer.unicodeScalars.first { !$0.properties.isWhitespace }
    guard first == "h" || first == "H" else { return }
    let text = Self.trimmed(answer[...])
    for (open, close) in [("here is my thought process:", "here is my response:")]
    where text.prefix(open.count).lowercased() == open {
      let inside = text.dropFirst(open.count)
      let end = Self.range(of: close, in: inside)
      reasoning = Self.trimmed(inside[..<(end?.lowerBound ?? inside.endIndex)])
      answer = end.map { Self.trimmed(inside[$0.upperBound...]) } ?? ""
      isOpen = end == nil
    }
  }
}

// MARK: - Channels

extension Thoughts {
  private static let channel = "<|channel|>"
  private static let message = "<|message|>"

  /// Harmony's channels: `final` is the answer, all others are thoughts.
  ///
  /// Also without special tokens, as decoders leave them: `analysis…assistantfinal…`.
  private static func channels(
    of content: String
  ) -> (reasoning: String?, answer: String, isOpen: Bool)? {
    if isBareHarmony(content) { return bareChannels(of: trimmed(content[...])) }
    guard content.contains(message) else { return nil }
    let start = trimmed(content[...])
    guard
      start.hasPrefix("<|") || ["analysis", "commentary", "final"].contains(where: start.hasPrefix)
    else { return nil }
    var thoughts: [String] = []
    var answer: String?
    for piece in start.components(separatedBy: channel) {
      guard let mark = piece.range(of: message) else { continue }
      let name = trimmed(piece[..<mark.lowerBound]).split(separator: " ").first ?? "final"
      var body = piece[mark.upperBound...]
      for end in ["<|end|>", "<|return|>", "<|call|>", "<|start|>"] {
        if let found = body.range(of: end) { body = body[..<found.lowerBound] }
      }
      if name == "final" {
        answer = (answer ?? "") + trimmed(body)
      } else {
        thoughts.append(trimmed(body))
      }
    }
    let reasoning = thoughts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    return (reasoning.isEmpty ? nil : reasoning, answer ?? "", answer == nil)
  }

  private static let bareFinal = "assistantfinal"

  /// Whether a text is channels whose marks were left out: `analysis` runs into a word.
  private static func isBareHarmony(_ content: String) -> Bool {
    let text = content.drop(while: \.isWhitespace)
    guard text.hasPrefix("analysis"), let next = text.dropFirst(8).first else { return false }
    return next.isUppercase || text.contains(bareFinal)
  }

  private static func bareChannels(
    of text: String
  ) -> (reasoning: String?, answer: String, isOpen: Bool) {
    let inside = text.dropFirst("analysis".count)
    let end = inside.range(of: bareFinal)
    let thoughts = trimmed(inside[..<(end?.lowerBound ?? inside.endIndex)])
    return (thoughts, end.map { trimmed(inside[$0.upperBound...]) } ?? "", end == nil)
  }
}
