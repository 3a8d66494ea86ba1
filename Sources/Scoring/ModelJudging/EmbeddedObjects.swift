import Support

/// The JSON objects inside a text of any kind, read as forgivingly as leaves no doubt (`ForgivingJSON`).
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
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        index = ForgivingJSON.copyString(in: bytes, at: index, into: &strict)
        continue
      }
      strict.append(byte)
      index += 1
      if byte == UInt8(ascii: "{") { depth += 1 }
      if byte == UInt8(ascii: "}") { depth -= 1 }
      if depth == 0 { return (index, strict) }
    }
    return nil
  }
}
