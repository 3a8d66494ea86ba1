/// A short mark of a text that changes when the text does, for provenance and delimiters. No
/// protection against someone who computes collisions.
package enum Fingerprint {
  /// FNV-1a, 64 bits, in hexadecimal digits.
  package static func of(_ text: String) -> String { of(text.utf8) }

  package static func of(_ bytes: some Sequence<UInt8>) -> String { String(hash(bytes), radix: 16) }

  package static func hash(_ text: String) -> UInt64 { hash(text.utf8) }

  @inlinable
  package static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash
  }
}
