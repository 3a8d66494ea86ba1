import Foundation

/// What a Replace or Split component looks for: a text as it stands, or a regular expression.
///
/// Regular expressions run on ICU. Hugging Face's library uses Oniguruma, which reads a few escapes
/// differently; those are spelled out before ICU sees them.
enum SplitPattern: Sendable {
  case text([UInt8])
  case expression(NSRegularExpression)

  /// Reads `{"String": …}` or `{"Regex": …}`.
  init(_ node: ConfigurationNode) throws(TokenizerError) {
    if let text = node["String"] {
      self = .text(Array(try text.string().utf8))
      return
    }
    guard let expression = node["Regex"] else {
      throw node.mismatch("an object with \"String\" or \"Regex\"")
    }
    let pattern = try expression.string()
    do {
      self = .expression(try NSRegularExpression(pattern: Self.spelledOut(pattern)))
    } catch {
      throw .invalidPattern(
        file: node.file, path: expression.path, pattern: pattern,
        reason: error.localizedDescription)
    }
  }

  /// Oniguruma's `\w` leaves out the joiners U+200C and U+200D, which ICU's takes in, and its `\h` is
  /// a hexadecimal digit, ICU's a horizontal space.
  private static let escapes: [Unicode.Scalar: String] = [
    "w": #"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]"#, "W": #"[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]"#,
    "h": "[0-9A-Fa-f]", "H": "[^0-9A-Fa-f]",
  ]

  private static func spelledOut(_ pattern: String) -> String {
    var spelled = ""
    var isEscaped = false
    for scalar in pattern.unicodeScalars {
      if isEscaped {
        spelled += escapes[scalar] ?? "\\\(scalar)"
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else {
        spelled.unicodeScalars.append(scalar)
      }
    }
    return isEscaped ? spelled + "\\" : spelled
  }

  /// Where it matches in valid UTF-8, from the left and without overlap.
  func matches(in text: ArraySlice<UInt8>) -> [Range<Int>] {
    switch self {
    case .text(let pattern): return UTF8Text.occurrences(of: pattern, in: text)
    case .expression(let expression):
      let string = String(decoding: text, as: UTF8.self)
      let units = Array(string.utf16)
      let length = units.count
      let found = expression.matches(in: string, range: NSRange(location: 0, length: length))
      if length == text.count {  // ASCII: both encodings count alike
        return found.map { match in
          let start = text.startIndex + match.range.location
          return start..<start + match.range.length
        }
      }
      let offsets = Self.byteOffsets(of: units, from: text.startIndex)
      return found.map { match in
        offsets[match.range.location]..<offsets[match.range.location + match.range.length]
      }
    }
  }

  /// The UTF-8 offset of each UTF-16 offset, with one past the end.
  private static func byteOffsets(of units: [UInt16], from start: Int) -> [Int] {
    var offsets: [Int] = []
    offsets.reserveCapacity(units.count + 1)
    var position = start
    for unit in units {
      offsets.append(position)
      switch unit {
      case ..<0x80: position += 1
      case ..<0x800: position += 2
      case 0xD800...0xDFFF: position += 2  // each half of a pair, which takes four bytes
      default: position += 3
      }
    }
    offsets.append(position)
    return offsets
  }
}
