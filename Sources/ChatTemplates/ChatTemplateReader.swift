/// Takes a Jinja template apart into statements and the texts written between them, with Jinja's
/// rules for white space as transformers sets them (`trim_blocks` and `lstrip_blocks`).
struct ChatTemplateReader {
  private(set) var runs: [ChatTemplate.Run] = []
  private(set) var assignments: [ChatTemplate.Assignment] = []

  private let source: [Character]
  private var position = 0
  /// The statement just passed.
  private var condition = ""
  /// The enclosing blocks, outermost first. An `elif` or `else` keeps what it is the alternative to.
  private var enclosing: [String] = []

  init(_ source: String) {
    // CR LF would be one Character; Jinja reads it as a line feed.
    self.source = Array(
      String(String.UnicodeScalarView(source.unicodeScalars.filter { $0 != "\r" })))
  }

  mutating func read() {
    var stripsNext = false  // the tag before ended in `-`
    var followsStatement = false
    while position < source.count {
      let start = position
      while position < source.count, !startsTag(position) { position += 1 }
      var text = source[start..<position]
      if stripsNext {
        text = text.drop(while: \.isWhitespace)
      } else if followsStatement, text.first == "\n" {
        text = text.dropFirst()
      }
      guard position < source.count else {
        if text.last == "\n" { text = text.dropLast() }
        write([.literal(String(text))])
        return
      }
      let kind = source[position + 1]
      let sign = position + 2 < source.count ? source[position + 2] : " "
      if sign == "-" {
        while text.last?.isWhitespace == true { text = text.dropLast() }
      } else if kind != "{", sign != "+" {
        let indentation = source[..<position].reversed().prefix { $0 == " " || $0 == "\t" }.count
        let lineStart = position - indentation
        if lineStart == 0 || source[lineStart - 1] == "\n" {
          text = text.dropLast(min(indentation, text.count))
        }
      }
      write([.literal(String(text))])
      let (content, strips) = tag(kind)
      switch kind {
      case "{": write(pieces(of: content))
      case "%": handleStatement(content)
      default: break
      }
      stripsNext = strips
      followsStatement = kind != "{"
    }
  }

  private func startsTag(_ index: Int) -> Bool {
    source[index] == "{" && index + 1 < source.count && "{%#".contains(source[index + 1])
  }

  /// The inside of the tag at the position, and whether it ends in `-`. Moves behind it.
  private mutating func tag(_ kind: Character) -> (content: String, strips: Bool) {
    let close: Character = kind == "{" ? "}" : kind
    position += 2
    let start = position
    var quote: Character?
    while position + 1 < source.count {
      let character = source[position]
      if let open = quote {
        if character == "\\" { position += 1 } else if character == open { quote = nil }
      } else if kind != "#", character == "'" || character == "\"" {
        quote = character
      } else if character == close, source[position + 1] == "}" {
        break
      }
      position += 1
    }
    let end = min(position, source.count)
    position = min(position + 2, source.count)
    var content = source[start..<end]
    let strips = content.last == "-"
    if let first = content.first, "-+".contains(first) { content = content.dropFirst() }
    if strips { content = content.dropLast() }
    return (String(content).stripped, strips)
  }

  private mutating func write(_ pieces: [ChatTemplate.Piece]) {
    if runsAreClosed {
      runs.append(ChatTemplate.Run(condition: condition, enclosing: enclosing, pieces: []))
      runsAreClosed = false
    }
    for piece in pieces {
      if piece == .literal("") { continue }
      let last = runs.count - 1
      if case .literal(let text) = piece, case .literal(let before)? = runs[last].pieces.last {
        runs[last].pieces[runs[last].pieces.count - 1] = .literal(before + text)
      } else {
        runs[last].pieces.append(piece)
      }
    }
  }

  /// Set by every statement: what is written next is a run of its own.
  private var runsAreClosed = true

  private mutating func handleStatement(_ statement: String) {
    if statement.hasPrefix("set "), let equals = statement.firstIndex(of: "=") {
      let name = String(statement[..<equals].dropFirst(4)).stripped
      assignments.append(
        ChatTemplate.Assignment(
          condition: condition, name: name,
          pieces: pieces(of: String(statement[equals...].dropFirst()))))
    } else {
      condition = statement
      switch statement.prefix(while: \.isLetter) {
      case "if", "for", "macro": enclosing.append(statement)
      case "elif", "else":
        if let before = enclosing.popLast() { enclosing.append("\(before), \(statement)") }
      case "endif", "endfor", "endmacro": _ = enclosing.popLast()
      default: break
      }
    }
    runsAreClosed = true
  }

  /// The terms of a concatenation.
  private func pieces(of expression: String) -> [ChatTemplate.Piece] {
    var terms: [String] = [""]
    var quote: Character?
    var depth = 0
    var isEscaped = false
    for character in expression {
      if let open = quote {
        if isEscaped {
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == open {
          quote = nil
        }
      } else {
        switch character {
        case "'", "\"": quote = character
        case "(", "[", "{": depth += 1
        case ")", "]", "}": depth -= 1
        case "+" where depth == 0, "~" where depth == 0:
          terms.append("")
          continue
        default: break
        }
      }
      terms[terms.count - 1].append(character)
    }
    var merged: [ChatTemplate.Piece] = []
    for piece in terms.map(piece) {
      if case .literal(let text) = piece, case .literal(let before)? = merged.last {
        merged[merged.count - 1] = .literal(before + text)
      } else {
        merged.append(piece)
      }
    }
    return merged
  }

  private func piece(_ term: String) -> ChatTemplate.Piece {
    let term = term.stripped
    if let text = Self.literal(term) { return .literal(text) }
    switch term {
    case "bos_token": return .beginning
    case "eos_token": return .end
    default:
      return .computed(
        term, isTrimmed: term.contains("trim") || term.contains(".strip()"))
    }
  }

  /// The text of a term that is one quoted string and nothing else.
  private static func literal(_ term: String) -> String? {
    guard let quote = term.first, quote == "'" || quote == "\"" else { return nil }
    var text = ""
    var rest = term.dropFirst()
    while let character = rest.popFirst() {
      if character == quote { return rest.isEmpty ? text : nil }
      guard character == "\\" else {
        text.append(character)
        continue
      }
      guard let escaped = rest.popFirst() else { return nil }
      switch escaped {
      case "n": text.append("\n")
      case "t": text.append("\t")
      case "r": text.append("\r")
      case "\\", "'", "\"": text.append(escaped)
      default: text += "\\\(escaped)"
      }
    }
    return nil
  }
}
