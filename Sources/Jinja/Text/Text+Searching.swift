/// Finding, cutting and splitting, by the rules of Python's `str`.
extension Text {
  /// Where `needle` first begins in a range.
  func firstOffset(of needle: Text, in range: Range<Int>) -> Int? {
    guard !needle.isEmpty else { return range.lowerBound }
    guard range.count >= needle.count else { return nil }
    if needle.count > Self.longNeedle {
      return KnuthMorrisPratt(needle.scalars).offset(in: scalars[range])
        .map { range.lowerBound + $0 }
    }
    return (range.lowerBound...(range.upperBound - needle.count)).first { has(needle, at: $0) }
  }

  /// Where `needle` last begins in a range.
  func lastOffset(of needle: Text, in range: Range<Int>) -> Int? {
    guard !needle.isEmpty else { return range.upperBound }
    guard range.count >= needle.count else { return nil }
    if needle.count > Self.longNeedle {
      return KnuthMorrisPratt(needle.scalars.reversed())
        .offset(in: scalars[range].reversed())
        .map { range.upperBound - $0 - needle.count }
    }
    return (range.lowerBound...(range.upperBound - needle.count)).last { has(needle, at: $0) }
  }

  /// From here on trying every place could take the square of the text's length.
  private static let longNeedle = 16

  private func has(_ needle: Text, at start: Int) -> Bool {
    for index in 0..<needle.count where scalars[start + index] != needle.scalars[index] {
      return false
    }
    return true
  }

  func contains(_ needle: Text) -> Bool { firstOffset(of: needle, in: 0..<count) != nil }

  func hasPrefix(_ prefix: Text, in range: Range<Int>) -> Bool {
    range.count >= prefix.count && has(prefix, at: range.lowerBound)
  }

  func hasSuffix(_ suffix: Text, in range: Range<Int>) -> Bool {
    range.count >= suffix.count && has(suffix, at: range.upperBound - suffix.count)
  }

  /// How often `needle` stands in a range without overlap; an empty one stands between all.
  func occurrences(of needle: Text, in range: Range<Int>) -> Int {
    if needle.isEmpty { return range.count + 1 }
    var number = 0
    var start = range.lowerBound
    while let found = firstOffset(of: needle, in: start..<range.upperBound) {
      number += 1
      start = found + needle.count
    }
    return number
  }

  /// The first `limit` occurrences replaced; all of them where it is nil.
  func replacing(_ old: Text, with new: Text, limit: Int?) -> Text {
    var left = limit ?? .max
    var result = Text()
    var start = 0
    if old.isEmpty {
      for index in 0..<count {
        if left > 0 { result.append(new) }
        left -= 1
        result.append(self[index])
      }
      if left > 0 { result.append(new) }
      return result.markup(isMarkup)
    }
    while left > 0, let found = firstOffset(of: old, in: start..<count) {
      result.append(self[start..<found])
      result.append(new)
      start = found + old.count
      left -= 1
    }
    result.append(self[start..<count])
    return result.markup(isMarkup)
  }

  enum Side { case left, right, both }

  /// The text without the code points at its ends that `isStripped` says.
  func stripped(_ side: Side = .both, of isStripped: (Unicode.Scalar) -> Bool = \.isPythonSpace)
    -> Text
  {
    var start = 0
    var end = count
    if side != .right { while start < end, isStripped(scalars[start]) { start += 1 } }
    if side != .left { while start < end, isStripped(scalars[end - 1]) { end -= 1 } }
    return self[start..<end]
  }

  /// Split at a separator, from the left or the right, at most `limit` times.
  func split(at separator: Text, limit: Int?, fromRight: Bool = false) -> [Text] {
    var left = limit ?? .max
    var parts: [Text] = []
    if fromRight {
      var end = count
      while left > 0, let found = lastOffset(of: separator, in: 0..<end) {
        parts.append(self[found + separator.count..<end])
        end = found
        left -= 1
      }
      parts.append(self[0..<end])
      return parts.reversed()
    }
    var start = 0
    while left > 0, let found = firstOffset(of: separator, in: start..<count) {
      parts.append(self[start..<found])
      start = found + separator.count
      left -= 1
    }
    parts.append(self[start..<count])
    return parts
  }

  /// Split at runs of white space, from the left or the right, at most `limit` times; what is left
  /// over is stripped only where it was cut.
  func splitAtSpaces(limit: Int?, fromRight: Bool = false) -> [Text] {
    var left = limit ?? .max
    var parts: [Text] = []
    var start = 0
    var end = count
    while true {
      if fromRight {
        while end > 0, scalars[end - 1].isPythonSpace { end -= 1 }
      } else {
        while start < end, scalars[start].isPythonSpace { start += 1 }
      }
      guard start < end else { break }
      guard left > 0 else {
        parts.append(self[start..<end])
        break
      }
      if fromRight {
        let wordEnd = end
        while end > 0, !scalars[end - 1].isPythonSpace { end -= 1 }
        parts.append(self[end..<wordEnd])
      } else {
        let wordStart = start
        while start < end, !scalars[start].isPythonSpace { start += 1 }
        parts.append(self[wordStart..<start])
      }
      left -= 1
    }
    return fromRight ? parts.reversed() : parts
  }

  func lines(keepingEnds: Bool = false) -> [Text] {
    var lines: [Text] = []
    var start = 0
    while start < count {
      var end = start
      while end < count, !scalars[end].isPythonLineBreak { end += 1 }
      var next = min(end + 1, count)
      if end + 1 < count, scalars[end] == "\r", scalars[end + 1] == "\n" { next = end + 2 }
      lines.append(self[start..<(keepingEnds ? next : end)])
      start = next
    }
    return lines
  }
}

extension Unicode.Scalar {
  /// What `str.isspace` says.
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
      0x205F, 0x3000:
      true
    default: false
    }
  }

  /// Where `str.splitlines` splits.
  var isPythonLineBreak: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}

/// Finds a long needle in a time that only grows with the length of both.
private struct KnuthMorrisPratt {
  private let needle: [Unicode.Scalar]
  /// Of each beginning of the needle, how long its longest proper end is that is a beginning too.
  private var borders: [Int]

  init(_ needle: [Unicode.Scalar]) {
    self.needle = needle
    borders = [0]
    var border = 0
    for scalar in needle.dropFirst() {
      while border > 0, needle[border] != scalar { border = borders[border - 1] }
      if needle[border] == scalar { border += 1 }
      borders.append(border)
    }
  }

  /// How many elements come before the needle; counted from 0, wherever the slice begins.
  func offset(in haystack: some Sequence<Unicode.Scalar>) -> Int? {
    var matched = 0
    for (index, scalar) in haystack.enumerated() {
      while matched > 0, needle[matched] != scalar { matched = borders[matched - 1] }
      if needle[matched] == scalar { matched += 1 }
      if matched == needle.count { return index + 1 - needle.count }
    }
    return nil
  }
}
