import Foundation
import Support

/// Text of models and data sets, made safe for HTML.
enum HTMLText {
  /// Safe between tags and inside quoted attributes. Line breaks and tabs stay; other characters that
  /// could hide what a reply says are shown as escapes.
  static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in PrintableText.lines(text).unicodeScalars {
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

  /// What a heading is linked by: its words, joined by hyphens.
  static func anchor(_ title: String) -> String {
    title.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }.joined(separator: "-")
  }

  /// A value as JSON that may stand inside `<script type="application/json">`: no `<`, `>` or `&`,
  /// so that no text can end the element or begin a comment, and no line separators.
  static func embedded(_ value: JSONNode) -> String {
    let json = value.bytes
    var result: [UInt8] = []
    result.reserveCapacity(json.count + json.count / 8)
    var index = 0
    while index < json.count {
      let byte = json[index]
      index += 1
      switch byte {
      case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
        result += "\\u00\(String(byte, radix: 16))".utf8
      case 0xE2 where json[index...].starts(with: [0x80, 0xA8]):
        result += "\\u2028".utf8
        index += 2
      case 0xE2 where json[index...].starts(with: [0x80, 0xA9]):
        result += "\\u2029".utf8
        index += 2
      default: result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
