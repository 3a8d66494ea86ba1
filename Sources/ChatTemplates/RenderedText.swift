import Jinja

/// A rendered conversation as bytes, in runs by who wrote them.
struct RenderedText {
  struct Run {
    var range: Range<Int>
    var origin: Origin
    var isGenerated: Bool
  }

  private(set) var bytes: [UInt8] = []
  private(set) var runs: [Run] = []

  init(_ rendering: Rendering) {
    for piece in rendering.pieces {
      let start = bytes.count
      bytes.append(contentsOf: piece.text.utf8)
      runs.append(
        Run(range: start..<bytes.count, origin: piece.origin, isGenerated: piece.isGenerated))
    }
  }

  var count: Int { bytes.count }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  /// Where the text of a message begins and ends; nil where none of it is there.
  func range(of message: Int) -> Range<Int>? {
    let own = runs.filter { $0.origin == .element(message) }
    guard let first = own.first, let last = own.last else { return nil }
    return first.range.lowerBound..<last.range.upperBound
  }

  /// Where the template's own words behind a place end, as the next message's begin.
  func endOfTemplate(from start: Int) -> Int {
    runs.first { $0.range.upperBound > start && $0.origin != .template }
      .map { max($0.range.lowerBound, start) } ?? count
  }

  /// How far another text begins as this one does, in whole characters.
  func commonPrefix(with other: RenderedText) -> Int {
    Self.commonPrefix(bytes[...], other.bytes[...])
  }

  /// How many bytes two texts begin with alike, in whole characters.
  static func commonPrefix(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Int {
    var count = zip(first, second).prefix { $0 == $1 }.count
    let next = first.dropFirst(count).first
    guard var next, next & 0xC0 == 0x80 else { return count }
    // Half a character is in common: it belongs to the rest.
    repeat {
      count -= 1
      next = first[first.startIndex + count]
    } while next & 0xC0 == 0x80
    return count
  }

  /// The last place that spells something.
  func lastRange(of text: String) -> Range<Int>? {
    let wanted = Array(text.utf8)
    guard !wanted.isEmpty, wanted.count <= count else { return nil }
    return (0...count - wanted.count).reversed().first { bytes[$0...].starts(with: wanted) }
      .map { $0..<$0 + wanted.count }
  }

  /// The text before a place.
  mutating func cut(at end: Int) {
    bytes.removeLast(bytes.count - end)
    runs.removeAll { $0.range.lowerBound >= end }
    if let last = runs.last, last.range.upperBound > end {
      runs[runs.count - 1].range = last.range.lowerBound..<end
    }
  }

  /// Where a stretch ends without the blanks behind it.
  func endWithoutBlanks(_ range: Range<Int>) -> Int {
    var end = range.lowerBound
    var place = range.lowerBound
    for scalar in text(range).unicodeScalars {
      place += UTF8.width(scalar)
      if !scalar.isBlank { end = place }
    }
    return end
  }
}

extension Unicode.Scalar {
  /// As Python's `str.strip` counts it.
  var isBlank: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}
