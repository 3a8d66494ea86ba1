import Foundation
import Support

/// Reads JSON as servers write it: strictly first, and where that fails with what some get wrong.
enum ServerJSON {
  /// nil where the bytes are no JSON value. Forgiven are a byte order mark, what `ForgivingJSON` puts right in
  /// strings, and numbers that are none (read as null).
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
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "\"") {
        position = ForgivingJSON.copyString(in: bytes, at: position, into: &result)
      } else if let word = ["NaN", "Infinity", "-Infinity"].first(where: {
        bytes[position...].starts(with: $0.utf8)
      }) {
        result += "null".utf8
        position += word.utf8.count
      } else {
        result.append(bytes[position])
        position += 1
      }
    }
    return result
  }
}
