import Support

/// How a word becomes tokens (`model` in tokenizer.json).
enum TokenEncoder: Sendable {
  case bytePairs(BytePairEncoder)
  case unigram(UnigramEncoder)

  static let supported = "BPE, Unigram"

  init(_ node: ConfigurationNode, addedTokens: [AddedToken]) throws(TokenizerError) {
    // Files of the first releases do not say.
    let type = try node["type"]?.string() ?? (node["merges"] == nil ? "Unigram" : "BPE")
    switch type {
    case "BPE": self = .bytePairs(try BytePairEncoder(node, addedTokens: addedTokens))
    case "Unigram": self = .unigram(try UnigramEncoder(node, addedTokens: addedTokens))
    default: throw node.unsupported("a model of type \(type)", supported: Self.supported)
    }
  }

  var vocabulary: Vocabulary {
    switch self {
    case .bytePairs(let encoder): encoder.vocabulary
    case .unigram(let encoder): encoder.vocabulary
    }
  }

  var unknownID: Int32? {
    switch self {
    case .bytePairs(let encoder): encoder.unknownID
    case .unigram(let encoder): encoder.unknownID
    }
  }

  /// The tokens of one pre-tokenized word.
  ///
  /// - Parameter excluded: tokens that must not be made.
  func encode(_ word: ArraySlice<UInt8>, excluding excluded: Set<Int32> = []) -> [Int32] {
    switch self {
    case .bytePairs(let encoder): encoder.encode(word, excluding: excluded)
    case .unigram(let encoder): encoder.encode(word, excluding: excluded)
    }
  }
}

extension UnigramEncoder {
  /// Reads `model`: its tokens' ids are their places in the list.
  init(_ node: ConfigurationNode, addedTokens: [AddedToken]) throws(TokenizerError) {
    let list = try node.required("vocab", "an array of tokens and scores")
    guard let entries = list.value.elements else { throw list.mismatch("an array") }
    var vocabulary = Vocabulary(capacity: entries.count + addedTokens.count)
    var scores: [Double] = []
    for (id, entry) in entries.enumerated() {
      let path = "\(list.path)[\(id)]"
      guard let parts = entry.elements, parts.count == 2, let token = parts[0].text,
        let score = parts[1].double, score.isFinite, id < Vocabulary.largestCount
      else {
        throw .unexpectedValue(
          file: node.file, path: path, expected: "[token, score]", found: entry.kind)
      }
      guard vocabulary.id(of: token.utf8) == nil else {
        throw .duplicateToken(file: node.file, token: token)
      }
      vocabulary.insert(token, id: id)
      scores.append(score)
    }
    try vocabulary.insert(addedTokens, in: node)
    var unknownID: Int32?
    if let unknown = node["unk_id"] {
      let id = try unknown.integer()
      guard scores.indices.contains(id) else {
        throw .idOutOfRange(file: node.file, path: unknown.path, id: id, limit: scores.count)
      }
      unknownID = Int32(id)
    }
    self.init(
      vocabulary: vocabulary, scores: scores, unknownID: unknownID,
      byteTokens: try node.boolean("byte_fallback", default: false) ? vocabulary.byteTokens : [])
  }
}

extension Vocabulary {
  /// Gives added tokens that the vocabulary lacks their place in it.
  mutating func insert(
    _ addedTokens: [AddedToken], in node: ConfigurationNode
  ) throws(TokenizerError) {
    for token in addedTokens {
      switch id(of: token.content.utf8) {
      case token.id: continue
      case let other?:
        throw .unexpectedValue(
          file: node.file, path: "added_tokens, \(token.content.debugDescription)",
          expected: "the id \(other) that model.vocab gives it", found: "\(token.id)")
      case nil:
        if let holder = self.token(of: token.id) {
          throw .duplicateID(
            file: node.file, id: token.id, first: holder, second: token.content)
        }
        insert(token.content, id: token.id)
      }
    }
  }

  /// The token of each byte, `<0x00>` to `<0xFF>`.
  var byteTokens: [Int32?] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return id(of: "<0x\(digits.count < 2 ? "0" : "")\(digits)>".utf8).map(Int32.init)
    }
  }
}
