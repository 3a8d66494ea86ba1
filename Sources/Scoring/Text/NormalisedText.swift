/// A reply as bytes that can be compared: lower case, straight quotes, single spaces, no markdown
/// decoration.
///
/// Typographic variants are folded because models mix them ("I can’t", "I can't"); other non-ASCII
/// characters are kept as they are. Bytes are scanned because regular expressions and Unicode
/// string searches are some twenty times slower on long replies.
struct NormalisedText {
  private(set) var bytes: [UInt8] = []
  /// What was in the reply: characters that are not white space, and those of them that are
  /// letters or digits (any byte of another script counts as a letter).
  private(set) var visibleCount = 0
  private(set) var wordCharacterCount = 0
  private(set) var replacementCount = 0

  init(_ text: String, limit: Int = .max) {
    var text = text
    text.withUTF8 { unsafe read($0, limit: limit) }
    if bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
  }

  private mutating func read(_ source: UnsafeBufferPointer<UInt8>, limit: Int) {
    bytes.reserveCapacity(min(source.count, limit))
    var index = 0
    while index < source.count && bytes.count < limit {
      let byte = unsafe source[index]
      if byte < 0x80 {
        readASCII(byte)
        index += 1
        continue
      }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
      let end = min(index + length, source.count)
      var code: UInt32 = 0
      for place in index..<end { code = code << 8 | UInt32(unsafe source[place]) }
      switch code {
      case 0xE28098, 0xE28099, 0xE280B2, 0xCABC:  // ‘ ’ ′ ʼ
        append(UInt8(ascii: "'"), isWord: false)
      case 0xE2809C, 0xE2809D:  // “ ”
        append(UInt8(ascii: "\""), isWord: false)
      case 0xE28090...0xE28095:  // hyphens and dashes
        append(UInt8(ascii: "-"), isWord: false)
      case 0xC2A0, 0xE280AF, 0xE38080, 0xE2808B:  // spaces of other widths
        space()
      case 0xEFBFBD:  // U+FFFD
        replacementCount += 1
        visibleCount += 1
      default:
        visibleCount += 1
        // General punctuation, symbols and pictographs are no letters.
        let isSymbol = (0xE28080...0xE2BFBF).contains(code) || length == 4
        if !isSymbol { wordCharacterCount += 1 }
        for place in index..<end { bytes.append(unsafe source[place]) }
      }
      index = end
    }
  }

  private mutating func readASCII(_ byte: UInt8) {
    switch byte {
    case 0x41...0x5A:
      append(byte | 0x20, isWord: true)
    case 0x61...0x7A, 0x30...0x39:
      append(byte, isWord: true)
    case 0x09...0x0D, 0x20:
      space()
    case UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: "#"), UInt8(ascii: "`"),
      UInt8(ascii: "~"), UInt8(ascii: ">"):
      visibleCount += 1  // markdown decoration
    case 0x00..<0x20, 0x7F:
      visibleCount += 1  // control characters
    default:
      append(byte, isWord: false)
    }
  }

  private mutating func append(_ byte: UInt8, isWord: Bool) {
    visibleCount += 1
    if isWord { wordCharacterCount += 1 }
    bytes.append(byte)
  }

  private mutating func space() {
    if let last = bytes.last, last != UInt8(ascii: " ") { bytes.append(UInt8(ascii: " ")) }
  }
}

/// A list of phrases, found in normalised text at the borders of words.
struct PhraseList: Sendable {
  private let byFirstByte: [[[UInt8]]]

  /// - Parameter phrases: as they may be typed; normalised like the text.
  init(_ phrases: [String]) {
    var table = [[[UInt8]]](repeating: [], count: 256)
    for phrase in phrases {
      let bytes = NormalisedText(phrase).bytes
      if let first = bytes.first { table[Int(first)].append(bytes) }
    }
    byFirstByte = table.map { $0.sorted { $0.count > $1.count } }
  }

  /// The first phrase that begins within `window`, the longest at its place.
  func firstMatch(in text: [UInt8], window: Range<Int>) -> Range<Int>? {
    for start in window.clamped(to: text.indices) {
      let candidates = byFirstByte[Int(text[start])]
      guard !candidates.isEmpty, start == 0 || !Self.isWord(text[start - 1]) else { continue }
      if let range = match(in: text, at: start) { return range }
    }
    return nil
  }

  /// The longest phrase that begins at a place.
  func match(in text: [UInt8], at start: Int) -> Range<Int>? {
    guard start < text.count else { return nil }
    for phrase in byFirstByte[Int(text[start])] {
      let end = start + phrase.count
      guard end <= text.count, end == text.count || !Self.isWord(text[end]) else { continue }
      if text[start..<end].elementsEqual(phrase) { return start..<end }
    }
    return nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte >= 0x80
  }
}
