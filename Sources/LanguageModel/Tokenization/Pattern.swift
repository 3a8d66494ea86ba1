import Foundation

/// A regular expression of a tokenizer file, by which text is cut.
struct Pattern: Sendable {
  private let expression: NSRegularExpression

  /// - Parameter pattern: in the dialect of Hugging Face's files (Oniguruma), where `\s` is
  ///   Unicode's White_Space; ICU's is narrower, so it is spelled out.
  init?(_ pattern: String) {
    var translated = ""
    var isEscaped = false
    for character in pattern {
      if isEscaped {
        switch character {
        case "s": translated += "p{White_Space}"
        case "S": translated += "P{White_Space}"
        default: translated.append(character)
        }
        isEscaped = false
      } else {
        translated.append(character)
        isEscaped = character == "\\"
      }
    }
    guard let expression = try? NSRegularExpression(pattern: translated) else { return nil }
    self.expression = expression
  }

  init(literal: String) {
    // An escaped literal always compiles.
    self.init(NSRegularExpression.escapedPattern(for: literal))!
  }

  /// What becomes of the matches when a text is cut at them.
  enum Behaviour: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  /// Cuts a text into matches and what lies between, treated by `behaviour`; no piece is empty.
  func split(_ text: String, _ behaviour: Behaviour, invert: Bool = false) -> [String] {
    let source = text as NSString
    var pieces: [(range: NSRange, isMatch: Bool)] = []
    var end = 0
    for match in expression.matches(in: text, range: NSRange(location: 0, length: source.length)) {
      let range = match.range
      guard range.length > 0 else { continue }
      if range.location > end {
        pieces.append((NSRange(location: end, length: range.location - end), invert))
      }
      pieces.append((range, !invert))
      end = range.location + range.length
    }
    if end < source.length {
      pieces.append((NSRange(location: end, length: source.length - end), invert))
    }
    return Self.join(pieces, behaviour).map { source.substring(with: $0) }
  }

  /// Puts a text in place of every match.
  func replace(_ text: String, with replacement: String) -> String {
    expression.stringByReplacingMatches(
      in: text, range: NSRange(location: 0, length: (text as NSString).length),
      withTemplate: NSRegularExpression.escapedTemplate(for: replacement))
  }

  private static func join(
    _ pieces: [(range: NSRange, isMatch: Bool)], _ behaviour: Behaviour
  ) -> [NSRange] {
    func union(_ first: NSRange, _ second: NSRange) -> NSRange {
      NSRange(location: first.location, length: first.length + second.length)
    }
    var result: [NSRange] = []
    switch behaviour {
    case .isolated:
      result = pieces.map(\.range)
    case .removed:
      result = pieces.filter { !$0.isMatch }.map(\.range)
    case .contiguous:
      var previous: Bool?
      for piece in pieces {
        if piece.isMatch == previous, let last = result.popLast() {
          result.append(union(last, piece.range))
        } else {
          result.append(piece.range)
        }
        previous = piece.isMatch
      }
    case .mergedWithPrevious:
      var previousIsMatch = false
      for piece in pieces {
        if piece.isMatch, !previousIsMatch, let last = result.popLast() {
          result.append(union(last, piece.range))
        } else {
          result.append(piece.range)
        }
        previousIsMatch = piece.isMatch
      }
    case .mergedWithNext:
      var pending: NSRange?
      for piece in pieces {
        if piece.isMatch {
          if let pending { result.append(pending) }
          pending = piece.range
        } else {
          result.append(pending.map { union($0, piece.range) } ?? piece.range)
          pending = nil
        }
      }
      if let pending { result.append(pending) }
    }
    return result
  }
}
