/// Reading scalars out of UTF-8 that is known to be valid because it came from a `String`.
enum UTF8Text {
  /// The scalar that starts at `position`, and its length in bytes.
  static func scalar(
    in bytes: ArraySlice<UInt8>, at position: Int
  ) -> (value: UInt32, length: Int) {
    let first = UInt32(bytes[position])
    if first < 0x80 { return (first, 1) }
    func continuation(_ offset: Int) -> UInt32 { UInt32(bytes[position + offset]) & 0x3F }
    if first < 0xE0 { return ((first & 0x1F) << 6 | continuation(1), 2) }
    if first < 0xF0 {
      return ((first & 0x0F) << 12 | continuation(1) << 6 | continuation(2), 3)
    }
    return (
      (first & 0x07) << 18 | continuation(1) << 12 | continuation(2) << 6 | continuation(3), 4
    )
  }

  /// The scalar that ends just before `position`, and its length in bytes.
  static func scalar(
    in bytes: ArraySlice<UInt8>, before position: Int
  ) -> (value: UInt32, length: Int) {
    var start = position - 1
    while start > bytes.startIndex, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    return scalar(in: bytes, at: start)
  }

  /// Every place where `pattern` occurs, from the left and without overlap.
  static func occurrences(
    of pattern: [UInt8], in bytes: ArraySlice<UInt8>
  ) -> [Range<Int>] {
    guard let first = pattern.first else { return [] }
    var found: [Range<Int>] = []
    var position = bytes.startIndex
    while position + pattern.count <= bytes.endIndex {
      if bytes[position] == first,
        bytes[position..<position + pattern.count].elementsEqual(pattern)
      {
        found.append(position..<position + pattern.count)
        position += pattern.count
      } else {
        position += 1
      }
    }
    return found
  }
}

/// What a scalar counts as when text is cut into words.
enum ScalarClass {
  case letter, number, space, other

  /// `\p{L}`, `\p{N}`, `\s` (Unicode's White_Space) or none of them.
  init(_ value: UInt32) {
    if value < 0x80 {
      switch UInt8(truncatingIfNeeded: value) {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
        self = .letter
      case UInt8(ascii: "0")...UInt8(ascii: "9"): self = .number
      case 0x09...0x0D, 0x20: self = .space
      default: self = .other
      }
      return
    }
    guard let scalar = Unicode.Scalar(value) else {
      self = .other
      return
    }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = .letter
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    default: self = scalar.properties.isWhitespace ? .space : .other
    }
  }
}

extension Unicode.Scalar {
  /// `\w` of Unicode's regular-expression rules (UTS 18): letters, marks, decimal digits,
  /// connector punctuation and the joiners.
  var isWordCharacter: Bool {
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }

  /// ASCII punctuation and symbols, and Unicode's general categories P*.
  var isPunctuation: Bool {
    switch value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
    default: break
    }
    switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }
}
