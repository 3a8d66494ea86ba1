/// Who wrote a character of a rendered conversation.
package enum Origin: Hashable, Sendable {
  /// The template: its own literals, and the special tokens that it was given.
  case template
  /// The conversation: messages, tools, further arguments.
  case data
  /// The same, and of a list whose elements are told apart the one at this place.
  case element(Int)
}

/// Where a character comes from, and whether it stands in a `{% generation %}` block.
struct Mark: Hashable, Sendable {
  var origin: Origin
  var isGenerated: Bool

  init(_ origin: Origin, isGenerated: Bool = false) {
    self.origin = origin
    self.isGenerated = isGenerated
  }
}

/// A text as Python counts it, by code points, of which each has a mark.
///
/// Everything that a template does to a text is put together from slices and joins of other texts, so
/// that marks survive it.
struct Text: Sendable {
  /// Neighbours of one mark; `end` is the offset after the last of them.
  struct Run: Sendable {
    var end: Int
    var mark: Mark
  }

  private(set) var scalars: [Unicode.Scalar] = []
  private(set) var runs: [Run] = []
  /// Whether the text is HTML, Python's `Markup`: it escapes what is joined to it.
  var isMarkup = false

  init() {}

  init(_ string: String, _ mark: Mark = Mark(.template)) {
    scalars = Array(string.unicodeScalars)
    if !scalars.isEmpty { runs = [Run(end: scalars.count, mark: mark)] }
  }

  init(_ scalars: some Sequence<Unicode.Scalar>, _ mark: Mark = Mark(.template)) {
    self.scalars = Array(scalars)
    if !self.scalars.isEmpty { runs = [Run(end: self.scalars.count, mark: mark)] }
  }

  var count: Int { scalars.count }
  var isEmpty: Bool { scalars.isEmpty }

  var string: String {
    var string = String.UnicodeScalarView()
    string.append(contentsOf: scalars)
    return String(string)
  }

  mutating func append(_ scalar: Unicode.Scalar, _ mark: Mark) {
    scalars.append(scalar)
    extend(to: scalars.count, mark)
  }

  mutating func append(_ string: String, _ mark: Mark = Mark(.template)) {
    guard !string.isEmpty else { return }
    scalars.append(contentsOf: string.unicodeScalars)
    extend(to: scalars.count, mark)
  }

  mutating func append(_ other: Text) {
    let start = scalars.count
    scalars.append(contentsOf: other.scalars)
    for run in other.runs { extend(to: start + run.end, run.mark) }
  }

  private mutating func extend(to end: Int, _ mark: Mark) {
    if let last = runs.last, last.mark == mark {
      runs[runs.count - 1].end = end
    } else {
      runs.append(Run(end: end, mark: mark))
    }
  }

  /// The code points of a range, which must lie inside the text.
  subscript(range: Range<Int>) -> Text {
    var slice = Text()
    slice.isMarkup = isMarkup
    guard !range.isEmpty else { return slice }
    slice.scalars = Array(scalars[range])
    for run in runs where run.end > range.lowerBound {
      slice.extend(to: min(run.end, range.upperBound) - range.lowerBound, run.mark)
      if run.end >= range.upperBound { break }
    }
    return slice
  }

  subscript(index: Int) -> Text { self[index..<index + 1] }

  /// Each code point with its mark, in order.
  func eachScalar(_ body: (Unicode.Scalar, Mark) throws -> Void) rethrows {
    var start = 0
    for run in runs {
      for index in start..<run.end { try body(scalars[index], run.mark) }
      start = run.end
    }
  }

  /// The text with each code point replaced; what replaces it keeps its mark.
  func replacingEach(_ replacement: (Unicode.Scalar) -> String) -> Text {
    var result = Text()
    result.isMarkup = isMarkup
    eachScalar { scalar, mark in result.append(replacement(scalar), mark) }
    return result
  }

  /// The text with every mark changed.
  func remarked(_ change: (inout Mark) -> Void) -> Text {
    var result = self
    result.runs = []
    for run in runs {
      var mark = run.mark
      change(&mark)
      result.extend(to: run.end, mark)
    }
    return result
  }

  func repeated(_ times: Int) -> Text {
    var result = Text()
    result.isMarkup = isMarkup
    for _ in 0..<max(times, 0) { result.append(self) }
    return result
  }

  func markup(_ isMarkup: Bool) -> Text {
    var result = self
    result.isMarkup = isMarkup
    return result
  }

  static func joined(_ parts: [Text], by separator: Text = Text()) -> Text {
    var result = Text()
    for (index, part) in parts.enumerated() {
      if index > 0 { result.append(separator) }
      result.append(part)
    }
    return result
  }

  /// The text for HTML, where it is not HTML already.
  var escaped: Text {
    if isMarkup { return self }
    return replacingEach {
      switch $0 {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&#34;"
      case "'": "&#39;"
      default: String($0)
      }
    }.markup(true)
  }
}

/// Texts are compared by what they say, not by who wrote it.
extension Text: Hashable, Comparable {
  static func == (left: Text, right: Text) -> Bool { left.scalars == right.scalars }

  func hash(into hasher: inout Hasher) { hasher.combine(scalars) }

  static func < (left: Text, right: Text) -> Bool {
    left.scalars.lexicographicallyPrecedes(right.scalars)
  }
}

extension Text: ExpressibleByStringLiteral {
  init(stringLiteral value: String) { self.init(value) }
}
