/// Cuts normalised text into words and what stands between them.
struct WordScanner {
  enum Piece {
    case word(ArraySlice<UInt8>, range: Range<Int>, hasApostrophe: Bool)
    /// Of a sentence, with its mark; 0 for the end of a line.
    case end(UInt8)
    /// The number or bullet of a list, at the beginning of a line.
    case item
    case quote
    case pause
  }

  private let bytes: [UInt8]
  private let lineStarts: [Int]
  private var nextLine = 0
  private var place = 0
  private var waiting: [Piece] = []

  init(_ text: NormalisedText) {
    bytes = text.bytes
    lineStarts = text.lineStarts
    if startsItem(at: 0) { waiting.append(.item) }
  }

  /// Whether a detached "n't" follows ("ca n't"), as old tokenizers write.
  var isBeforeDetachedNot: Bool {
    place + 4 <= bytes.count && bytes[place] == UInt8(ascii: " ")
      && bytes[place + 1] == UInt8(ascii: "n") && bytes[place + 2] == UInt8(ascii: "'")
      && bytes[place + 3] == UInt8(ascii: "t")
  }

  mutating func next() -> Piece? {
    if !waiting.isEmpty { return waiting.removeFirst() }
    while place < bytes.count {
      if nextLine < lineStarts.count, place >= lineStarts[nextLine] {
        nextLine += 1
        if startsItem(at: place) { waiting.append(.item) }
        return .end(0)
      }
      let byte = bytes[place]
      if isLetter(byte) { return word() }
      if byte >= 0x80 {
        if let piece = wide() { return piece }
        continue
      }
      place += 1
      switch byte {
      case UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?"):
        // Not inside 3.5 or example.com.
        if place == bytes.count || !isLetter(bytes[place]) { return .end(byte) }
      case UInt8(ascii: ":"), UInt8(ascii: ";"):
        if place == bytes.count || !isLetter(bytes[place]) { return .end(byte) }
      case UInt8(ascii: "\""): return .quote
      case UInt8(ascii: ","), UInt8(ascii: "("), UInt8(ascii: ")"): return .pause
      case UInt8(ascii: "-"):
        // A dash, not a hyphen.
        if place < bytes.count, bytes[place] == UInt8(ascii: " ") || bytes[place] == byte {
          return .pause
        }
      case UInt8(ascii: "|"): return .end(0)
      default: break
      }
    }
    return nil
  }

  private func isLetter(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
  }

  private mutating func word() -> Piece {
    let start = place
    // Without its apostrophes; nil where it has none.
    var letters: [UInt8]?
    while place < bytes.count {
      let byte = bytes[place]
      if isLetter(byte) {
        letters?.append(byte)
        place += 1
      } else if byte == UInt8(ascii: "'") {
        guard place + 1 < bytes.count, isLetter(bytes[place + 1]) else { break }
        if letters == nil { letters = Array(bytes[start..<place]) }
        place += 1
      } else if byte >= 0x80, let (scalar, length) = scalar(at: place), scalar.isWordCharacter,
        !scalar.standsAlone
      {
        letters? += bytes[place..<place + length]
        place += length
      } else {
        break
      }
    }
    return .word(
      letters?[...] ?? bytes[start..<place], range: start..<place, hasApostrophe: letters != nil)
  }

  /// A word in another script, or a mark; nil for a symbol, which is passed over.
  private mutating func wide() -> Piece? {
    guard let (scalar, length) = scalar(at: place) else {
      place += 1
      return nil
    }
    switch scalar.value {
    case 0x3002, 0x0964, 0x0965, 0x06D4, 0x2026:
      place += length
      return .end(UInt8(ascii: "."))
    case 0x061F:
      place += length
      return .end(UInt8(ascii: "?"))
    case 0x3001, 0x060C, 0x061B:
      place += length
      return .pause
    default: break
    }
    guard scalar.isWordCharacter else {
      place += length
      return nil
    }
    if scalar.standsAlone {
      let range = place..<place + length
      place += length
      return .word(bytes[range], range: range, hasApostrophe: false)
    }
    return word()
  }

  private func scalar(at start: Int) -> (Unicode.Scalar, length: Int)? {
    let byte = bytes[start]
    let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
    guard start + length <= bytes.count else { return nil }
    var code = UInt32(byte) & (0xFF >> UInt32(length + 1))
    for place in start + 1..<start + length { code = code << 6 | UInt32(bytes[place] & 0x3F) }
    return Unicode.Scalar(code).map { ($0, length) }
  }

  /// `1.`, `2)`, `-` or `•` at the beginning of a line.
  private func startsItem(at start: Int) -> Bool {
    guard start < bytes.count else { return false }
    var index = start
    while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    guard index < bytes.count else { return false }
    if index > start, index - start <= 2 {
      return bytes[index] == UInt8(ascii: ".") || bytes[index] == UInt8(ascii: ")")
    }
    if bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
      return index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: " ")
    }
    return bytes[index...].starts(with: "•".utf8)
  }
}

extension Unicode.Scalar {
  /// Of a script whose words are not kept apart by spaces, or that joins its endings to them.
  fileprivate var standsAlone: Bool {
    switch value {
    case 0x0E00...0x0EFF, 0x1100...0x11FF, 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
      0xAC00...0xD7AF, 0xF900...0xFAFF, 0x20000...0x2FA1F:
      true
    default: false
    }
  }
}

/// English short forms written out, with their apostrophe or as people leave it out.
enum Contractions {
  /// The words that a short form stands for; nil for any other word.
  ///
  /// - Parameter isBeforeNot: whether a detached "n't" follows.
  static func parts(
    _ word: ArraySlice<UInt8>, _ hasApostrophe: Bool, isBeforeNot: Bool
  ) -> [ArraySlice<UInt8>]? {
    guard let key = key(word) else { return nil }
    if let parts = always[key] { return parts }
    if hasApostrophe, let parts = withApostrophe[key] { return parts }
    // "ca n't", "wo n't".
    if isBeforeNot, let key = Self.key(word + Array("nt".utf8)), let whole = always[key] {
      return [whole[0]]
    }
    return nil
  }

  /// A short word's letters as one number; nil for longer words.
  private static func key(_ word: ArraySlice<UInt8>) -> UInt64? {
    guard word.count <= 8 else { return nil }
    return word.reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static let always = table(
    [
      "cannot": "can not", "cant": "can not", "wont": "will not", "nt": "not", "im": "i am",
      "ive": "i have", "gonna": "going to", "aint": "is not", "youre": "you are", "u": "you",
      "theyre": "they are", "thats": "that is", "heres": "here is", "theres": "there is",
      "isnt": "is not", "whats": "what is",
    ].merging(
      [
        "do", "does", "did", "are", "was", "were", "could", "would", "should", "has", "have", "had",
        "must", "need", "might",
      ].map { ("\($0)nt", "\($0) not") }
    ) { first, _ in first })

  private static let withApostrophe = table([
    "id": "i would", "ill": "i will", "were": "we are", "weve": "we have", "wed": "we would",
    "well": "we will", "its": "it is", "lets": "let us", "youll": "you will", "youd": "you would",
    "itd": "it would", "itll": "it will", "thatll": "that will", "thatd": "that would",
  ])

  private static func table(_ forms: [String: String]) -> [UInt64: [ArraySlice<UInt8>]] {
    Dictionary(
      uniqueKeysWithValues: forms.compactMap { short, long in
        key(Array(short.utf8)[...]).map { key in
          (key, long.split(separator: " ").map { Array($0.utf8)[...] })
        }
      })
  }
}
