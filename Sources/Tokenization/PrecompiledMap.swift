import Foundation

/// SentencePiece's compiled normalization (`Precompiled`): a double-array trie of what is replaced, and the
/// replacements, each ended by a zero.
struct PrecompiledMap: Sendable {
  private let units: [UInt32]
  private let replacements: [UInt8]

  /// nil where the text is no such map.
  init?(base64 text: String) {
    guard let data = Data(base64Encoded: text), data.count >= 4 else { return nil }
    func word(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(data[data.startIndex + offset + $1]) << (8 * UInt32($1)) }
    }
    let size = Int(word(0))
    guard size % 4 == 0, size <= data.count - 4 else { return nil }
    units = stride(from: 4, to: 4 + size, by: 4).map(word)
    replacements = Array(data.dropFirst(4 + size))
  }

  /// What stands for the shortest beginning of some bytes that is replaced; nil where none is.
  private func replacement(of bytes: some Collection<UInt8>) -> ArraySlice<UInt8>? {
    func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
    guard var unit = units.first else { return nil }
    var place = offset(unit)
    for byte in bytes where byte != 0 {
      place ^= Int(byte)
      guard units.indices.contains(place) else { return nil }
      unit = units[place]
      guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
      place ^= offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      guard units.indices.contains(place) else { return nil }
      let start = Int(units[place] & 0x7FFF_FFFF)
      guard start <= replacements.count else { return nil }
      return replacements[start...].prefix { $0 != 0 }
    }
    return nil
  }

  /// Characters as a reader sees them are replaced whole where they are short, and else scalar by scalar.
  func normalize(_ text: String) -> String {
    var result: [UInt8] = []
    for character in text {
      let whole = Array(String(character).utf8)
      if whole.count < 6, let replacement = replacement(of: whole) {
        result += replacement
        continue
      }
      for scalar in character.unicodeScalars {
        let bytes = Array(String(scalar).utf8)
        result += replacement(of: bytes).map(Array.init) ?? bytes
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
