import Foundation

/// Text of models and data sets, made safe for HTML.
enum HTMLText {
  /// Safe between tags and inside quoted attributes. Line breaks and tabs stay; other control
  /// characters, and those that change the direction of reading, become spaces: they could hide
  /// what a reply says.
  static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in legible(text).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text without characters that hide or reorder others.
  static func legible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n", "\t": result.append(scalar)
      case "\r": continue
      default:
        switch scalar.properties.generalCategory {
        case .lineSeparator, .paragraphSeparator: result.append("\n")
        case .control, .format, .surrogate: result.append(" ")
        default: result.append(scalar)
        }
      }
    }
    return String(result)
  }

  /// A value as JSON that may stand inside `<script type="application/json">`: no `<`, `>` or `&`,
  /// so that no text can end the element or begin a comment, and no line separators.
  static func embedded(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var result = ""
    for scalar in String(decoding: try encoder.encode(value), as: UTF8.self).unicodeScalars {
      switch scalar {
      case "<", ">", "&", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
