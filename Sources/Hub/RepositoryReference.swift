/// A model on a hub, as people name it: `organisation/name`, or `organisation/name@revision`.
package struct RepositoryReference: Hashable, Sendable, CustomStringConvertible {
  /// Where nobody says which.
  package static let standardRevision = "main"

  /// `organisation/name`.
  package let repository: String
  /// A branch, a tag, or a commit, in full or by its first seven digits or more.
  package let revision: String

  /// What comes behind the slash: what a model is called by itself.
  package var name: String { String(repository.split(separator: "/").last ?? "") }

  /// - Returns: nil where the text can be no such name, and so is a path.
  package init?(_ text: String) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      .map(String.init)
    let words = parts[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 2, parts[0].count <= 96, words.allSatisfy(Self.isWord) else { return nil }
    let revision = parts.count > 1 ? parts[1] : Self.standardRevision
    guard Self.isRevision(revision) else { return nil }
    repository = parts[0]
    self.revision = revision
  }

  package var description: String {
    revision == Self.standardRevision ? repository : "\(repository)@\(revision)"
  }

  /// As the hub has it: letters, digits, `-`, `_` and `.`, with none of `-` and `.` at either end and no two of
  /// the same together, which the cache's folders keep apart by.
  private static func isWord(_ text: String) -> Bool {
    func isEdge(_ character: Character?) -> Bool { character == "-" || character == "." }
    return !text.isEmpty && text.utf8.allSatisfy(isWordByte) && !isEdge(text.first)
      && !isEdge(text.last) && !text.contains("--") && !text.contains("..")
  }

  /// A name that git takes for a branch or tag, and that is a path below a folder.
  private static func isRevision(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return text.count <= 200
      && parts.allSatisfy { part in
        !part.isEmpty && !part.hasPrefix(".") && !part.hasPrefix("-") && !part.hasSuffix(".lock")
          && !part.contains("..") && part.utf8.allSatisfy { isWordByte($0) || $0 == 0x2B }
      }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }
}

/// Commits and digests as the hub writes them.
enum Hexadecimal {
  static func isDigits(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
  }

  /// Forty digits.
  static func isCommit(_ text: some StringProtocol) -> Bool {
    text.utf8.count == 40 && isDigits(text)
  }

  static func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
