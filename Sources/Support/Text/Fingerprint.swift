/// A short mark of a text that changes when the text does, for provenance and delimiters. No
/// protection against someone who computes collisions.
package enum Fingerprint {
  /// FNV-1a, 64 bits, in hexadecimal digits.
  package static func of(_ text: String) -> String { String(hash(text), radix: 16) }

  package static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
  }
}
