import Support

/// The JSON objects inside a text of any kind, read as forgivingly as leaves no doubt: inside strings
/// control characters stand for themselves, and so does the backslash of an unknown escape.
struct EmbeddedObjects {
  /// Those that stand by themselves, not inside another.
  private(set) var objects: [JSONNode] = []
  /// What stands around them is not only prose: an object sits in a list, or another one has begun
  /// or is malformed.
  private(set) var isDoubtful = false

  init(in text: String) {
    let bytes = Array(text.utf8)
    var place = 0
    while let start = bytes[place...].firstIndex(of: UInt8(ascii: "{")) {
      guard let (end, repaired) = Self.object(in: bytes, at: start),
        let node = try? JSONNode(parsing: repaired), node.members != nil
      else {
        // Braces in prose: but not the beginning of an object.
        let inside = bytes[(start + 1)...].first { $0 > 0x20 }
        if inside == UInt8(ascii: "\"") { isDoubtful = true }
        place = start + 1
        continue
      }
      let before = bytes[place..<start].last { $0 > 0x20 }
      let after = bytes[end...].first { $0 > 0x20 }
      if before == UInt8(ascii: "["), after == UInt8(ascii: "]") || after == UInt8(ascii: ",") {
        isDoubtful = true
      }
      objects.append(node)
      place = end
    }
  }

  /// The end of the object that begins at a place, and its text as strict JSON; nil where its braces
  /// do not close.
  private static func object(in bytes: [UInt8], at start: Int) -> (end: Int, strict: [UInt8])? {
    var strict: [UInt8] = []
    var depth = 0
    var isString = false
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if isString {
        switch byte {
        case UInt8(ascii: "\""):
          isString = false
          strict.append(byte)
        case UInt8(ascii: "\\"):
          let length = escapeLength(in: bytes, at: index)
          if length == 1 { strict.append(byte) }
          strict += bytes[index..<index + length]
          index += length
          continue
        case 0..<0x20:
          strict += Array("\\u00".utf8) + hexadecimal(byte)
        default: strict.append(byte)
        }
      } else {
        strict.append(byte)
        if byte == UInt8(ascii: "\"") { isString = true }
        if byte == UInt8(ascii: "{") { depth += 1 }
        if byte == UInt8(ascii: "}") { depth -= 1 }
        if depth == 0 { return (index + 1, strict) }
      }
      index += 1
    }
    return nil
  }

  /// 2 or 6 for an escape that JSON knows, 1 for a backslash that stands for itself.
  private static func escapeLength(in bytes: [UInt8], at index: Int) -> Int {
    guard index + 1 < bytes.count else { return 1 }
    if "\"\\/bfnrt".utf8.contains(bytes[index + 1]) { return 2 }
    guard bytes[index + 1] == UInt8(ascii: "u"), index + 5 < bytes.count else { return 1 }
    let isHexadecimal = bytes[(index + 2)...(index + 5)].allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x46).contains($0 & 0xDF)
    }
    return isHexadecimal ? 6 : 1
  }

  private static func hexadecimal(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }
}
