/// GPT-2's alphabet of 256 printable characters, one per byte, in which byte-level vocabularies
/// are written: printable Latin-1 stands for itself, the other bytes for U+0100, U+0101, …
enum ByteLevelAlphabet {
  /// The scalar of each byte.
  static let scalars: [Unicode.Scalar] = {
    var scalars: [Unicode.Scalar] = []
    var next: UInt32 = 0x100
    for byte in UInt8.min...UInt8.max {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: scalars.append(Unicode.Scalar(byte))
      default:
        scalars.append(Unicode.Scalar(next) ?? Unicode.Scalar(byte))
        next += 1
      }
    }
    return scalars
  }()

  /// The UTF-8 bytes of each byte's scalar.
  static let encodings: [[UInt8]] = scalars.map { Array(String($0).utf8) }

  private static let bytes: [UInt32: UInt8] = Dictionary(
    uniqueKeysWithValues: zip(scalars.map(\.value), UInt8.min...UInt8.max))

  /// The bytes a token stands for; its own UTF-8 where it holds a character outside the alphabet.
  static func bytes(of token: String) -> [UInt8] {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(token.utf8.count)
    for scalar in token.unicodeScalars {
      guard let byte = bytes[scalar.value] else { return Array(token.utf8) }
      decoded.append(byte)
    }
    return decoded
  }
}
