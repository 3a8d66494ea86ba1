/// A reply as bytes that can be compared: folded characters (`foldedCharacters`), straight quotes,
/// single spaces, no markdown decoration and no HTML tags.
///
/// Other characters are kept as they are. Bytes are scanned because regular expressions and Unicode
/// string searches are some twenty times slower on long replies.
struct NormalisedText {
  private(set) var bytes: [UInt8] = []
  /// Where lines begin, as places in `bytes`, the first left out.
  private(set) var lineStarts: [Int] = []
  /// What was in the reply: characters that are not white space, and those of them that are
  /// letters or digits.
  private(set) var visibleCount = 0
  private(set) var wordCharacterCount = 0
  private(set) var replacementCount = 0

  /// - Parameter limit: bytes that are looked at.
  init(_ text: String, limit: Int = .max) {
    var folded = String(text.prefix(bytes: limit)).foldedCharacters
    folded.withUTF8 { unsafe read($0) }
    if bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
  }

  private mutating func read(_ source: UnsafeBufferPointer<UInt8>) {
    bytes.reserveCapacity(source.count)
    var index = 0
    while index < source.count {
      let byte = unsafe source[index]
      if byte == UInt8(ascii: "<"), let end = unsafe Self.endOfTag(in: source, at: index) {
        visibleCount += 1
        space()
        index = end
      } else if byte == UInt8(ascii: "`"), unsafe Self.isInsideWord(source, index) {
        append(UInt8(ascii: "'"), isWord: false)
        index += 1
      } else if byte < 0x80 {
        readASCII(byte)
        index += 1
      } else {
        let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
        let end = min(index + length, source.count)
        unsafe readWide(UnsafeBufferPointer(rebasing: source[index..<end]))
        index = end
      }
    }
  }

  private mutating func readWide(_ character: UnsafeBufferPointer<UInt8>) {
    guard let scalar = unsafe String(decoding: character, as: UTF8.self).unicodeScalars.first else {
      return
    }
    switch scalar.value {
    case 0x201C...0x201F, 0x00AB, 0x00BB, 0x300C...0x300F, 0x301D...0x301F:
      append(UInt8(ascii: "\""), isWord: false)
    case 0x2010...0x2015, 0x2212:
      append(UInt8(ascii: "-"), isWord: false)
    case 0x2028, 0x2029, 0x0085:
      line()
    case 0xFFFD:
      replacementCount += 1
      visibleCount += 1
    default:
      if scalar.properties.isWhitespace { return space() }
      visibleCount += 1
      if scalar.isWordCharacter { wordCharacterCount += 1 }
      unsafe bytes.append(contentsOf: character)
    }
  }

  /// The place behind `<p>`, `</div>`, `<br />` and their like.
  private static func endOfTag(in source: UnsafeBufferPointer<UInt8>, at start: Int) -> Int? {
    var index = start + 1
    guard index < source.count else { return nil }
    if unsafe source[index] == UInt8(ascii: "/") { index += 1 }
    let names = index
    while index < source.count, index < start + 60 {
      let byte = unsafe source[index]
      if byte == UInt8(ascii: ">") { return index > names ? index + 1 : nil }
      let isLetter = (0x61...0x7A).contains(byte)
      guard isLetter || index > names && (byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "<"))
      else { return nil }
      index += 1
    }
    return nil
  }

  private static func isInsideWord(_ source: UnsafeBufferPointer<UInt8>, _ index: Int) -> Bool {
    guard index > 0, index + 1 < source.count else { return false }
    return unsafe (0x61...0x7A).contains(source[index - 1])
      && (0x61...0x7A).contains(source[index + 1])
  }

  private mutating func readASCII(_ byte: UInt8) {
    switch byte {
    case 0x61...0x7A, 0x30...0x39:
      append(byte, isWord: true)
    case 0x0A...0x0D:
      line()
    case 0x09, 0x20:
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

  private mutating func line() {
    space()
    if !bytes.isEmpty, lineStarts.last != bytes.count { lineStarts.append(bytes.count) }
  }
}

extension String {
  /// What fits into so many bytes, without half a character.
  fileprivate func prefix(bytes limit: Int) -> Substring {
    guard utf8.count > limit else { return self[...] }
    var end = utf8.index(startIndex, offsetBy: limit)
    while end > startIndex, end.samePosition(in: unicodeScalars) == nil {
      utf8.formIndex(before: &end)
    }
    return self[..<end]
  }
}

extension Unicode.Scalar {
  /// A letter, a digit, or a mark that belongs to one.
  var isWordCharacter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber:
      true
    default: false
    }
  }
}
