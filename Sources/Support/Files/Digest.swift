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
