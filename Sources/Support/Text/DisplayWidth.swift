/// How many columns of a terminal a text takes.
package enum DisplayWidth {
  /// Letters of East Asian scripts and emoji take two columns, combining marks and joiners none.
  package static func of(_ text: some StringProtocol) -> Int {
    text.reduce(0) { $0 + of($1) }
  }

  /// The text's opening, in at most so many columns; an ellipsis where it was cut.
  package static func fitting(_ text: String, columns: Int) -> String {
    guard of(text) > columns else { return text }
    var result = ""
    var room = max(0, columns - 1)
    for character in text {
      room -= of(character)
      guard room >= 0 else { break }
      result.append(character)
    }
    return columns > 0 ? result + "…" : ""
  }

  private static func of(_ character: Character) -> Int {
    var width = 0
    for scalar in character.unicodeScalars {
      // Asks for an emoji's picture.
      if scalar.value == 0xFE0F { return 2 }
      width = max(width, of(scalar))
    }
    return width
  }

  private static func of(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return scalar.value < 0x20 || scalar.value == 0x7F ? 0 : 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    let isWide =
      scalar.properties.isEmojiPresentation || wide.contains { $0.contains(scalar.value) }
    return isWide ? 2 : 1
  }

  /// Blocks of characters of East Asian width W or F (Unicode's annex 11).
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3,
    0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF,
    0x1B000...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD,
  ]
}
