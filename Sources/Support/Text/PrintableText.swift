/// Text from files, servers and models as it may be shown: on a terminal, in a table, in a report.
///
/// What would move the cursor, change the order of reading, hide other characters, or begin a command
/// of a CI system stands there as an escape, `\u001b`. That is JSON's own notation, so a JSON text still
/// says the same afterwards. Letters of all languages, emoji and their joiners stay as they are.
package enum PrintableText {
  /// In lines: line breaks and tabs stay.
  package static func lines(_ text: String) -> String {
    guard !isPlain(text, besides: [0x0A, 0x09]) else { return text }
    return disarmed(escaped(text, isOneLine: false))
  }

  /// In one line: a line break is shown as `\n`, a tab is a space.
  package static func line(_ text: String) -> String {
    guard !isPlain(text, besides: []) else { return text }
    return disarmed(escaped(text, isOneLine: true))
  }

  /// Whether nothing in a text can need an escape; most texts are so.
  private static func isPlain(_ text: String, besides allowed: [UInt8]) -> Bool {
    text.utf8.allSatisfy {
      ($0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "#"))
        || allowed.contains($0)
    }
  }

  private static func escaped(_ text: String, isOneLine: Bool) -> String {
    var result = String.UnicodeScalarView()
    var before: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      defer { before = scalar }
      switch scalar {
      // The line feed of a pair of both was written for the carriage return.
      case "\n" where before == "\r": continue
      case "\n", "\r":
        result.append(contentsOf: isOneLine ? "\\n".unicodeScalars : "\n".unicodeScalars)
      case "\t": result.append(isOneLine ? " " : "\t")
      default:
        if isShown(scalar) {
          result.append(scalar)
        } else {
          result.append(contentsOf: escape(scalar).unicodeScalars)
        }
      }
    }
    return String(result)
  }

  /// Whether a reader sees a character, or what it does to its neighbours is part of writing.
  private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F }
    let properties = scalar.properties
    switch properties.generalCategory {
    case .control, .surrogate, .lineSeparator, .paragraphSeparator: return false
    case .format:
      // Joiners belong to the spelling of many languages and of emoji.
      if isJoiner(scalar) { return true }
      return !properties.isDefaultIgnorableCodePoint && !(0xFFF9...0xFFFB).contains(scalar.value)
    case .unassigned: return !properties.isNoncharacterCodePoint
    default: return true
    }
  }

  /// `\u202e`; beyond four digits as two surrogates.
  private static func escape(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf16.map { unit in
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }

  /// Takes from CI systems what they would read as a command: GitHub's `::` at a line's start, its older
  /// `##[`, and Azure's `##vso[`. They pass over blanks before it, and joiners in it.
  private static func disarmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    var result = String.UnicodeScalarView()
    var isLineStart = true
    for index in scalars.indices {
      let scalar = scalars[index]
      let isCommand =
        switch scalar {
        case ":": isLineStart && follow(":", index, in: scalars)
        case "#": follow("#[", index, in: scalars) || follow("#vso[", index, in: scalars)
        default: false
        }
      if isCommand {
        result.append(contentsOf: escape(scalar).unicodeScalars)
      } else {
        result.append(scalar)
      }
      isLineStart =
        scalar == "\n" || (isLineStart && (scalar.properties.isWhitespace || isJoiner(scalar)))
    }
    return String(result)
  }

  private static func isJoiner(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value == 0x200C || scalar.value == 0x200D
  }

  /// Whether certain characters come after a place, joiners aside.
  private static func follow(
    _ expected: String, _ index: String.Index, in scalars: String.UnicodeScalarView
  ) -> Bool {
    var rest = scalars[scalars.index(after: index)...].lazy.filter { !isJoiner($0) }.makeIterator()
    return expected.unicodeScalars.allSatisfy { $0 == rest.next() }
  }
}
