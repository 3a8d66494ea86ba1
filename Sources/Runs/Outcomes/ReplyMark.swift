import Foundation
import Support

/// A mark of what was replied to a prompt, by which replies are compared without their texts: the first 64 bits
/// of SHA-256 of them; none where a reply is missing or failed.
///
/// In files 16 hexadecimal digits, or an empty text.
package struct ReplyMark: Hashable, Sendable {
  private let bits: UInt64

  package static let none = ReplyMark(bits: 0)

  private init(bits: UInt64) { self.bits = bits }

  package var isNone: Bool { self == .none }

  /// - Parameter replies: to one prompt, in the order of their numbers; nil where one is missing.
  package init(_ replies: [Sample?]) {
    var text = ""
    for reply in replies {
      guard let reply, reply.failure == nil else {
        self = .none
        return
      }
      // Lengths, so that no two lists of texts are written alike.
      for part in [reply.response, reply.reasoning ?? "", reply.refusal ?? ""] {
        text += "\(part.utf8.count) \(part)\n"
      }
    }
    bits = TextDigest(text).leadingBits
  }

  package var text: String {
    guard !isNone else { return "" }
    let digits = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension ReplyMark: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    if text.isEmpty {
      self = .none
      return
    }
    guard text.utf8.count == 16, let bits = UInt64(text, radix: 16), bits != 0 else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected a mark of 16 hexadecimal digits, found \(text)")
    }
    self.bits = bits
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
