/// Tokens that are found in the text as they stand, before any pre-tokenizer sees it
/// (`added_tokens` in tokenizer.json).
struct AddedToken: Sendable {
  var id: Int
  var content: String
  /// A control token, such as the marker of a chat turn, which a decoder may skip.
  var isSpecial: Bool
  /// Only counts between characters that are not part of a word.
  var isSingleWord: Bool
  /// Takes the white space before it.
  var stripsLeft: Bool
  /// Takes the white space behind it.
  var stripsRight: Bool
  /// Found in the normalized text, by its own normalized form.
  var isNormalized: Bool

  /// An entry of tokenizer.json's `added_tokens`, which holds its id.
  init(_ node: ConfigurationNode) throws(TokenizerError) {
    let idNode = try node.required("id", "an integer")
    try self.init(node, id: try idNode.integer(), at: idNode)
  }

  /// A special token, or an ordinary one, that only has a text.
  init(id: Int, content: String, isSpecial: Bool) {
    (self.id, self.content, self.isSpecial) = (id, content, isSpecial)
    (isSingleWord, stripsLeft, stripsRight) = (false, false, false)
    isNormalized = !isSpecial
  }

  /// - Parameter place: Where its id stands.
  init(_ node: ConfigurationNode, id: Int, at place: ConfigurationNode) throws(TokenizerError) {
    self.id = id
    guard (0..<Vocabulary.largestCount).contains(id) else {
      throw .idOutOfRange(
        file: node.file, path: place.path, id: id, limit: Vocabulary.largestCount)
    }
    let contentNode = try node.required("content", "a string")
    content = try contentNode.string()
    guard !content.isEmpty else { throw contentNode.mismatch("a token of one character or more") }
    isSpecial = try node.boolean("special", default: false)
    isSingleWord = try node.boolean("single_word", default: false)
    stripsLeft = try node.boolean("lstrip", default: false)
    stripsRight = try node.boolean("rstrip", default: false)
    isNormalized = try node.boolean("normalized", default: !isSpecial)
  }
}

/// Finds added tokens: the leftmost, and of those that start there the longest.
struct AddedTokenMatcher: Sendable {
  /// One stretch of a text: an added token, or what lies between.
  struct Part {
    var range: Range<Int>
    var token: Int?
  }

  private let tokens: [AddedToken]
  /// A trie: the node reached from node n by byte b, by `n << 8 | b`. Node 0 is the root.
  private var edges: [UInt64: Int32] = [:]
  /// Per node, the index of the token that ends there, or -1.
  private var ends: [Int32] = [-1]
  private var startsToken = [Bool](repeating: false, count: 256)

  /// - Parameter form: The bytes by which a token is found.
  init(_ tokens: [AddedToken], form: (AddedToken) -> String) {
    self.tokens = tokens
    for (index, token) in tokens.enumerated() {
      var node = 0
      for byte in form(token).utf8 {
        if node == 0 { startsToken[Int(byte)] = true }
        let edge = UInt64(node) << 8 | UInt64(byte)
        if let next = edges[edge] {
          node = Int(next)
        } else {
          edges[edge] = Int32(ends.count)
          node = ends.count
          ends.append(-1)
        }
      }
      if node != 0 { ends[node] = Int32(index) }
    }
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// Cuts valid UTF-8 into added tokens and the stretches between them.
  ///
  /// - Parameter allowsSpecial: Whether a special token may stand at a range.
  func parts(
    of text: ArraySlice<UInt8>, allowsSpecial: (Range<Int>) -> Bool
  ) -> [Part] {
    var parts: [Part] = []
    var end = text.startIndex
    var position = text.startIndex
    while position < text.endIndex {
      guard startsToken[Int(text[position])],
        let (index, matchEnd) = longestMatch(in: text, at: position, allowsSpecial: allowsSpecial)
      else {
        position += 1
        continue
      }
      let token = tokens[index]
      var (start, stop) = (position, matchEnd)
      position = matchEnd
      if token.isSingleWord, touchesWord(start..<stop, in: text) { continue }
      if token.stripsLeft {
        while start > end {
          let (value, length) = UTF8Text.scalar(in: text, before: start)
          guard ScalarClass(value) == .space else { break }
          start -= length
        }
      }
      if token.stripsRight {
        while stop < text.endIndex {
          let (value, length) = UTF8Text.scalar(in: text, at: stop)
          guard ScalarClass(value) == .space else { break }
          stop += length
        }
      }
      if end < start { parts.append(Part(range: end..<start, token: nil)) }
      parts.append(Part(range: start..<stop, token: token.id))
      end = stop
    }
    if end < text.endIndex { parts.append(Part(range: end..<text.endIndex, token: nil)) }
    return parts
  }

  private func longestMatch(
    in text: ArraySlice<UInt8>, at start: Int, allowsSpecial: (Range<Int>) -> Bool
  ) -> (index: Int, end: Int)? {
    var longest: (index: Int, end: Int)?
    var node = 0
    var position = start
    while position < text.endIndex,
      let next = edges[UInt64(node) << 8 | UInt64(text[position])]
    {
      node = Int(next)
      position += 1
      let index = Int(ends[node])
      if index >= 0, !tokens[index].isSpecial || allowsSpecial(start..<position) {
        longest = (index, position)
      }
    }
    return longest
  }

  private func touchesWord(_ range: Range<Int>, in text: ArraySlice<UInt8>) -> Bool {
    func isWord(_ value: UInt32) -> Bool { Unicode.Scalar(value)?.isWordCharacter ?? false }
    if range.lowerBound > text.startIndex,
      isWord(UTF8Text.scalar(in: text, before: range.lowerBound).value)
    {
      return true
    }
    return range.upperBound < text.endIndex
      && isWord(UTF8Text.scalar(in: text, at: range.upperBound).value)
  }
}
