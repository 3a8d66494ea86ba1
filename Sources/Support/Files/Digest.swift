package import Crypto
package import Foundation

/// How files and weights are told apart: `sha256:` and 64 hexadecimal digits.
package enum Digest {
  package static func sha256(_ data: Data) -> String { text(SHA256.hash(data: data)) }

  package static func text(_ digest: SHA256Digest) -> String {
    "sha256:"
      + digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

/// SHA-256 of what arrives piece by piece.
package struct RunningDigest {
  private var hash = SHA256()

  package init() {}

  package mutating func update(_ data: Data) { hash.update(data: data) }

  /// Of all pieces, as `Digest` writes it.
  package var text: String { Digest.text(hash.finalize()) }
}

/// SHA-256 of a text, kept to compare it: two texts of one digest are the same.
package struct TextDigest: Hashable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  package init(_ text: String) {
    var text = text
    let digest = text.withUTF8 { unsafe SHA256.hash(data: UnsafeRawBufferPointer($0)) }
    func word(_ place: Int) -> UInt64 {
      unsafe digest.withUnsafeBytes { bytes in
        UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8 * place, as: UInt64.self))
      }
    }
    words = (word(0), word(1), word(2), word(3))
  }

  /// The first 64 bits.
  package var leadingBits: UInt64 { words.0 }

  package static func == (a: TextDigest, b: TextDigest) -> Bool { a.words == b.words }

  package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}
