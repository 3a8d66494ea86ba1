import Foundation
import Support

/// Reads JSON as servers write it: strictly first, and where that fails with what some get wrong.
enum ServerJSON {
  /// nil where the bytes are no JSON value. Forgiven are a byte order mark, half a surrogate pair (read as
  /// U+FFFD), control characters inside strings, and numbers that are none (read as null).
  static func parse(_ data: Data) -> JSONNode? {
    var bytes = [UInt8](data)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    if let node = try? JSONNode(parsing: bytes) { return node }
    return try? JSONNode(parsing: mended(bytes))
  }

  private static func mended(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    var isInString = false
    while position < bytes.count {
      let byte = bytes[position]
      if isInString {
        switch byte {
        case UInt8(ascii: "\""):
          isInString = false
          result.append(byte)
          position += 1
        case UInt8(ascii: "\\"):
          let length = escape(bytes, position, into: &result)
          position += length
        case ..<0x20:
          let digits = String(byte, radix: 16)
          result += "\\u00\(byte < 0x10 ? "0" : "")\(digits)".utf8
          position += 1
        default:
          result.append(byte)
          position += 1
        }
        continue
      }
      if let word = ["NaN", "Infinity", "-Infinity"].first(where: {
        bytes[position...].starts(with: $0.utf8)
      }) {
        result += "null".utf8
        position += word.utf8.count
        continue
      }
      isInString = byte == UInt8(ascii: "\"")
      result.append(byte)
      position += 1
    }
    return result
  }

  /// Copies one escape, half a pair as U+FFFD, and returns its length.
  private static func escape(
    _ bytes: [UInt8], _ position: Int, into result: inout [UInt8]
  ) -> Int {
    func unit(_ start: Int) -> UInt32? {
      guard start + 6 <= bytes.count, bytes[start] == UInt8(ascii: "\\"),
        bytes[start + 1] == UInt8(ascii: "u")
      else { return nil }
      return UInt32(String(decoding: bytes[(start + 2)..<(start + 6)], as: UTF8.self), radix: 16)
    }
    guard let first = unit(position) else {
      let end = min(position + 2, bytes.count)
      result += bytes[position..<end]
      return end - position
    }
    if (0xD800...0xDBFF).contains(first), let second = unit(position + 6),
      (0xDC00...0xDFFF).contains(second)
    {
      result += bytes[position..<(position + 12)]
      return 12
    }
    if (0xD800...0xDFFF).contains(first) {
      result += "\\uFFFD".utf8
    } else {
      result += bytes[position..<(position + 6)]
    }
    return 6
  }
}
