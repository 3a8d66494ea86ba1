import Foundation

extension String {
  /// The text with what only looks different made equal: compatibility form (full-width, circled and
  /// mathematical letters are letters), accents and vowel marks dropped, characters that format and
  /// show nothing dropped, HTML's entities read, every apostrophe straight, lower case.
  ///
  /// Models mix such spellings, and who wants a judge not to see a phrase uses them.
  var foldedCharacters: String {
    var text = self
    if text.utf8.contains(UInt8(ascii: "&")) {
      // Twice: "&amp;#39;" is an apostrophe that was escaped twice.
      text = text.readingEntities().readingEntities()
    }
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text.lowercased() }
    var plain = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      plain.append(apostrophes.contains(scalar.value) ? "'" : scalar)
    }
    let decomposed = String(plain).decomposedStringWithCompatibilityMapping
    var kept = String.UnicodeScalarView()
    for scalar in decomposed.unicodeScalars where !scalar.isDropped { kept.append(scalar) }
    return String(kept).precomposedStringWithCanonicalMapping.lowercased()
  }

  /// `&#39;`, `&#x27;`, `&rsquo;` and their like as characters.
  private func readingEntities() -> String {
    var result = ""
    var rest = self[...]
    while let start = rest.firstIndex(of: "&") {
      result += rest[..<start]
      let after = rest[rest.index(after: start)...]
      let name = after.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "#") }
      let end = after.index(after.startIndex, offsetBy: name.count)
      let isClosed = end < after.endIndex && after[end] == ";"
      if name.count <= 10, let character = Self.entity(name), isClosed || name.first == "#" {
        result.unicodeScalars.append(character)
        rest = isClosed ? after[after.index(after: end)...] : after[end...]
      } else {
        result.append("&")
        rest = after
      }
    }
    return result + rest
  }

  private static func entity(_ name: Substring) -> Unicode.Scalar? {
    guard name.first == "#" else { return namedEntities[String(name)] }
    let digits = name.dropFirst()
    let code =
      digits.first == "x" || digits.first == "X"
      ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    return code.flatMap(Unicode.Scalar.init)
  }
}

private let namedEntities: [String: Unicode.Scalar] = [
  "apos": "'", "quot": "\"", "amp": "&", "lt": "<", "gt": ">", "nbsp": " ", "rsquo": "'",
  "lsquo": "'", "sbquo": "'", "prime": "'", "rdquo": "\"", "ldquo": "\"", "hellip": "\u{2026}",
  "mdash": "\u{2014}", "ndash": "\u{2013}", "shy": "\u{AD}", "zwj": "\u{200D}", "zwnj": "\u{200C}",
  "iexcl": "¡", "iquest": "¿", "eacute": "é", "egrave": "è", "ecirc": "ê", "agrave": "à",
  "aacute": "á", "acirc": "â", "atilde": "ã", "auml": "ä", "iacute": "í", "oacute": "ó",
  "ocirc": "ô", "otilde": "õ", "ouml": "ö", "uacute": "ú", "uuml": "ü", "ntilde": "ñ",
  "ccedil": "ç", "szlig": "ß",
]

/// Quotation marks, primes, accents by themselves and letters that stand for an apostrophe.
private let apostrophes: Set<UInt32> = [
  0x00B4, 0x02B9, 0x02BB, 0x02BC, 0x02BD, 0x02BE, 0x02BF, 0x02C8, 0x02CA, 0x02CB, 0x0374, 0x0384,
  0x055A, 0x05F3, 0x07F4, 0x07F5, 0x1FBD, 0x1FBF, 0x1FEF, 0x1FFD, 0x1FFE, 0x2018, 0x2019, 0x201A,
  0x201B, 0x2032, 0x2035, 0x275B, 0x275C, 0xA78B, 0xA78C, 0xFF07, 0xFF40,
]

extension Unicode.Scalar {
  /// Shows nothing by itself, or only marks the letter before it.
  fileprivate var isDropped: Bool {
    switch value {
    case ..<0xAD: false
    case 0x0300...0x036F, 0x064B...0x0652, 0x0640, 0x0670, 0x093C, 0x09BC: true
    case 0x115F, 0x1160, 0x3164, 0xFFA0, 0x180B...0x180F, 0xFE00...0xFE0F, 0xE0100...0xE01EF: true
    default: properties.generalCategory == .format
    }
  }
}
