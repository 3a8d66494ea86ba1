/// What becomes of the parts of a text that a pattern matched.
enum SplitBehavior: String, Sendable, CaseIterable {
  /// A match disappears.
  case removed = "Removed"
  /// A match is a piece of its own.
  case isolated = "Isolated"
  /// A match ends the piece before it.
  case mergedWithPrevious = "MergedWithPrevious"
  /// A match starts the piece behind it.
  case mergedWithNext = "MergedWithNext"
  /// Neighbouring matches are one piece.
  case contiguous = "Contiguous"

  init(_ node: ConfigurationNode) throws(TokenizerError) {
    let name = try node.string()
    guard let behavior = SplitBehavior(rawValue: name) else {
      throw node.unsupported(
        name, supported: Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = behavior
  }

  /// Cuts `range` at its matches (sorted, without overlap, within it). Empty pieces are left out.
  func pieces(of range: Range<Int>, matches: [Range<Int>], inverted: Bool) -> [Range<Int>] {
    var parts: [(range: Range<Int>, isMatch: Bool)] = []
    var end = range.lowerBound
    for match in matches {
      if match.lowerBound > end { parts.append((end..<match.lowerBound, inverted)) }
      parts.append((match, !inverted))
      end = match.upperBound
    }
    if end < range.upperBound { parts.append((end..<range.upperBound, inverted)) }

    var pieces: [Range<Int>] = []
    var previousIsMatch = false
    switch self {
    case .removed: pieces = parts.filter { !$0.isMatch }.map(\.range)
    case .isolated: pieces = parts.map(\.range)
    case .mergedWithPrevious:
      for part in parts {
        if part.isMatch, !previousIsMatch, let last = pieces.popLast() {
          pieces.append(last.lowerBound..<part.range.upperBound)
        } else {
          pieces.append(part.range)
        }
        previousIsMatch = part.isMatch
      }
    case .mergedWithNext:
      for part in parts.reversed() {
        if part.isMatch, !previousIsMatch, let next = pieces.popLast() {
          pieces.append(part.range.lowerBound..<next.upperBound)
        } else {
          pieces.append(part.range)
        }
        previousIsMatch = part.isMatch
      }
      pieces.reverse()
    case .contiguous:
      for part in parts {
        if part.isMatch == previousIsMatch, let last = pieces.popLast() {
          pieces.append(last.lowerBound..<part.range.upperBound)
        } else {
          pieces.append(part.range)
        }
        previousIsMatch = part.isMatch
      }
    }
    return pieces.filter { !$0.isEmpty }
  }
}
