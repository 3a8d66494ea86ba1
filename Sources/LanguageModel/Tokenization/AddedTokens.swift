/// Tokens that are found in the text before anything else: special tokens and user additions.
struct AddedTokens: Sendable {
  struct Token: Sendable {
    let id: Int
    let content: String
    let bytes: [UInt8]
    /// Marks up the conversation; text that came from a user must not produce it.
    let isSpecial: Bool
    let stripsLeft: Bool
    let stripsRight: Bool
    let isSingleWord: Bool
  }

  /// A stretch of text, or a token found in it.
  enum Piece {
    case text(String)
    case token(Int)
  }

  let tokens: [Token]
  /// By first byte, the longest first.
  private let byFirstByte: [UInt8: [Token]]

  init(_ list: [JSONValue], file: String) throws(TokenizerError) {
    var tokens: [Token] = []
    for entry in list {
      guard let id = entry["id"]?.integer, let content = entry["content"]?.string,
        !content.isEmpty
      else {
        throw .missing(file: file, what: "an added token", expected: "an id and its content")
      }
      tokens.append(
        Token(
          id: id, content: content, bytes: Array(content.utf8),
          isSpecial: entry["special"]?.bool ?? false, stripsLeft: entry["lstrip"]?.bool ?? false,
          stripsRight: entry["rstrip"]?.bool ?? false,
          isSingleWord: entry["single_word"]?.bool ?? false))
    }
    self.tokens = tokens
    byFirstByte = Dictionary(grouping: tokens) { $0.bytes[0] }
      .mapValues { $0.sorted { $0.bytes.count > $1.bytes.count } }
  }

  /// Cuts a text at its added tokens, the leftmost and then the longest first.
  func split(_ text: String, parseSpecial: Bool) -> [Piece] {
    let bytes = Array(text.utf8)
    var pieces: [Piece] = []
    var textStart = 0
    var index = 0
    func addText(upTo end: Int) {
      guard end > textStart else { return }
      pieces.append(.text(String(decoding: bytes[textStart..<end], as: UTF8.self)))
    }
    while index < bytes.count {
      let found = byFirstByte[bytes[index]]?.first { token in
        (parseSpecial || !token.isSpecial) && bytes[index...].starts(with: token.bytes)
          && (!token.isSingleWord || Self.isWord(bytes, index, index + token.bytes.count))
      }
      guard let found else {
        index += 1
        continue
      }
      var end = index
      if found.stripsLeft {
        while end > textStart, Self.isSpace(bytes[end - 1]) { end -= 1 }
      }
      addText(upTo: end)
      pieces.append(.token(found.id))
      index += found.bytes.count
      if found.stripsRight {
        while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
      }
      textStart = index
    }
    addText(upTo: bytes.count)
    return pieces
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  /// Whether no letter, digit or underscore touches the range.
  private static func isWord(_ bytes: [UInt8], _ begin: Int, _ end: Int) -> Bool {
    func joins(_ byte: UInt8) -> Bool {
      byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte)
        || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    return (begin == 0 || !joins(bytes[begin - 1])) && (end == bytes.count || !joins(bytes[end]))
  }
}
