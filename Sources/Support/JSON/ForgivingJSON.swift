/// What servers and models get wrong inside the strings of their JSON, put right.
package enum ForgivingJSON {
  /// Copies the string that begins at a quotation mark as strict JSON.
  ///
  /// Control characters stand for themselves, and so does the backslash of an escape that JSON does not
  /// know; half a surrogate pair is U+FFFD. A string without its end is copied as far as it goes.
  ///
  /// - Parameter start: the place of the quotation mark.
  /// - Returns: the place after the string.
  package static func copyString(
    in bytes: [UInt8], at start: Int, into strict: inout [UInt8]
  ) -> Int {
    strict.append(bytes[start])
    var index = start + 1
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\""):
        strict.append(byte)
        return index + 1
      case UInt8(ascii: "\\"):
        index += copyEscape(in: bytes, at: index, into: &strict)
      case ..<0x20:
        strict += "\\u00".utf8
        strict += [byte >> 4, byte & 15].map { Array("0123456789abcdef".utf8)[Int($0)] }
        index += 1
      default:
        strict.append(byte)
        index += 1
      }
    }
    return index
  }

  /// Copies one escape and returns its length.
  private static func copyEscape(
    in bytes: [UInt8], at index: Int, into strict: inout [UInt8]
  ) -> Int {
    if index + 1 < bytes.count, "\"\\/bfnrt".utf8.contains(bytes[index + 1]) {
      strict += bytes[index...(index + 1)]
      return 2
    }
    guard let first = unit(in: bytes, at: index) else {
      strict += "\\\\".utf8
      return 1
    }
    guard (0xD800...0xDFFF).contains(first) else {
      strict += bytes[index..<(index + 6)]
      return 6
    }
    guard first < 0xDC00, let second = unit(in: bytes, at: index + 6),
      (0xDC00...0xDFFF).contains(second)
    else {
      strict += "\\uFFFD".utf8
      return 6
    }
    strict += bytes[index..<(index + 12)]
    return 12
  }

  /// The UTF-16 unit of a `\u` escape; nil where there is none.
  private static func unit(in bytes: [UInt8], at index: Int) -> UInt32? {
    guard index + 6 <= bytes.count, bytes[index...].starts(with: "\\u".utf8) else { return nil }
    let digits = bytes[(index + 2)..<(index + 6)]
    let isHexadecimal = digits.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x46).contains($0 & 0xDF)
    }
    return isHexadecimal ? UInt32(String(decoding: digits, as: UTF8.self), radix: 16) : nil
  }
}
