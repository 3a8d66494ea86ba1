import Foundation
import Support

/// A tokenizer's parts as read from a model folder, each checked.
struct TokenizerFiles {
  let encoder: TokenEncoder
  let addedTokens: [AddedToken]
  let normalizer: Normalizer?
  let preTokenizer: PreTokenizer?
  let decodingStages: [DecodingStage]
  private(set) var prefixIDs: [Int]
  private(set) var suffixIDs: [Int]
  private(set) var beginningOfSequenceID: Int?
  private(set) var endOfSequenceID: Int?
  private(set) var endOfSequenceIDs: [Int] = []

  init(folder: URL) throws(TokenizerError) {
    guard let root = try ConfigurationNode.read("tokenizer.json", in: folder, required: false)
    else { throw Self.missing(in: folder) }
    let configuration = try ConfigurationNode.read(
      "tokenizer_config.json", in: folder, required: false)
    addedTokens = try AddedToken.all(in: root, beside: configuration, folder: folder)
    encoder = try TokenEncoder(
      try root.required("model", "a model"), addedTokens: addedTokens)
    normalizer = try root["normalizer"].map { node throws(TokenizerError) in try Normalizer(node) }
    preTokenizer = try root["pre_tokenizer"].map { node throws(TokenizerError) in
      try PreTokenizer(node)
    }
    decodingStages = try DecodingStage.stages(root["decoder"])
    let surroundings = try SequenceTemplate(root["post_processor"], vocabulary: encoder.vocabulary)
    prefixIDs = surroundings.prefixIDs
    suffixIDs = surroundings.suffixIDs
    try readModelFiles(in: folder, tokenizer: configuration)
  }

  /// Tokenizers in the forms from which transformers makes a tokenizer.json.
  private static let otherForms = [
    "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tekken.json", "vocab.json",
    "merges.txt",
  ]

  private static func missing(in folder: URL) -> TokenizerError {
    let others = otherForms.filter {
      FileManager.default.fileExists(atPath: folder.appending(path: $0).path)
    }
    guard !others.isEmpty else {
      return .unreadableFile(
        file: folder.appending(path: "tokenizer.json").path, reason: "no such file")
    }
    return .otherForm(folder: folder.path, found: others)
  }

  /// What the files beside tokenizer.json say of the first and last tokens.
  private mutating func readModelFiles(
    in folder: URL, tokenizer: ConfigurationNode?
  ) throws(TokenizerError) {
    let model = try ConfigurationNode.read("config.json", in: folder, required: false)
    let generation = try ConfigurationNode.read(
      "generation_config.json", in: folder, required: false)

    // A file that is overruled may hold what is no id: published ones do.
    if let id = try named(tokenizer?["bos_token"]) {
      beginningOfSequenceID = id
    } else {
      beginningOfSequenceID = try ids(model?["bos_token_id"]).first
    }
    endOfSequenceID = try named(tokenizer?["eos_token"])
    endOfSequenceIDs = try ids(generation?["eos_token_id"])
    var modelEnds: [Int] = []
    do throws(TokenizerError) {
      modelEnds = try ids(model?["eos_token_id"])
    } catch {
      guard !endOfSequenceIDs.isEmpty else { throw error }
    }
    endOfSequenceID = endOfSequenceID ?? modelEnds.first ?? endOfSequenceIDs.first
    if endOfSequenceIDs.isEmpty { endOfSequenceIDs = modelEnds }
    if endOfSequenceIDs.isEmpty { endOfSequenceIDs = endOfSequenceID.map { [$0] } ?? [] }

    // These two overrule the post-processor, as they do in transformers.
    if let adds = try tokenizer?["add_bos_token"]?.boolean(), let id = beginningOfSequenceID {
      prefixIDs.removeAll { $0 == id }
      if adds { prefixIDs.insert(id, at: 0) }
    }
    if let adds = try tokenizer?["add_eos_token"]?.boolean(), let id = endOfSequenceID {
      suffixIDs.removeAll { $0 == id }
      if adds { suffixIDs.append(id) }
    }
  }

  /// The id of a token given as a string or as `{"content": …}`.
  private func named(_ node: ConfigurationNode?) throws(TokenizerError) -> Int? {
    guard let node else { return nil }
    let text = try (node["content"] ?? node).string()
    guard let id = encoder.vocabulary.id(of: text.utf8) else {
      throw .unknownToken(file: node.file, path: node.path, token: text)
    }
    return id
  }

  /// Ids given as one integer or as a list.
  private func ids(_ node: ConfigurationNode?) throws(TokenizerError) -> [Int] {
    guard let node else { return [] }
    var nodes = [node]
    if case .array = node.value { nodes = try node.elements() }
    var ids: [Int] = []
    for node in nodes {
      guard let id = node.value.integer else {
        throw node.mismatch("an id or a list of ids")
      }
      guard encoder.vocabulary.token(of: id) != nil else {
        throw .idOutOfRange(
          file: node.file, path: node.path, id: id, limit: encoder.vocabulary.count)
      }
      ids.append(id)
    }
    return ids
  }
}

extension BytePairEncoder {
  /// Reads `model`, and gives added tokens that it lacks their place in the vocabulary.
  init(_ node: ConfigurationNode, addedTokens: [AddedToken]) throws(TokenizerError) {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = node[key], try !affix.string().isEmpty {
        throw affix.unsupported("not empty", supported: "no affix")
      }
    }
    if let dropout = node["dropout"] {
      guard dropout.value.double == 0 else {
        throw dropout.unsupported("merge dropout", supported: "0 or null")
      }
    }
    let vocabulary = try Self.vocabulary(
      try node.required("vocab", "an object of tokens and ids"), addedTokens: addedTokens)
    let byteTokens =
      try node.boolean("byte_fallback", default: false) ? vocabulary.byteTokens : []
    var unknownID: Int32?
    if let unknown = node["unk_token"] {
      let token = try unknown.string()
      guard let id = vocabulary.id(of: token.utf8) else {
        throw .unknownToken(file: unknown.file, path: unknown.path, token: token)
      }
      unknownID = Int32(id)
    }
    self.init(
      vocabulary: vocabulary,
      merges: try Self.merges(try node.required("merges", "an array"), vocabulary: vocabulary),
      unknownID: unknownID,
      fusesUnknown: try node.boolean("fuse_unk", default: false),
      byteTokens: byteTokens,
      ignoresMerges: try node.boolean("ignore_merges", default: false))
  }

  private static func vocabulary(
    _ node: ConfigurationNode, addedTokens: [AddedToken]
  ) throws(TokenizerError) -> Vocabulary {
    let members = try node.members()
    var vocabulary = Vocabulary(capacity: members.count + addedTokens.count)
    func add(_ token: String, _ id: Int) throws(TokenizerError) {
      if let holder = vocabulary.token(of: id) {
        throw .duplicateID(file: node.file, id: id, first: holder, second: token)
      }
      vocabulary.insert(token, id: id)
    }
    for member in members {
      let path = "\(node.path)[\(member.key.debugDescription)]"
      guard let id = member.value.integer else {
        throw .unexpectedValue(
          file: node.file, path: path, expected: "an integer", found: member.value.kind)
      }
      guard (0..<Vocabulary.largestCount).contains(id) else {
        throw .idOutOfRange(file: node.file, path: path, id: id, limit: Vocabulary.largestCount)
      }
      guard vocabulary.id(of: member.key.utf8) == nil else {
        throw .duplicateToken(file: node.file, token: member.key)
      }
      try add(member.key, id)
    }
    try vocabulary.insert(addedTokens, in: node)
    return vocabulary
  }

  private static func merges(
    _ node: ConfigurationNode, vocabulary: Vocabulary
  ) throws(TokenizerError) -> [UInt64: Merge] {
    guard case .array(let elements) = node.value else { throw node.mismatch("an array") }
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      guard let (left, right) = pair(element) else {
        throw .unexpectedValue(
          file: node.file, path: "\(node.path)[\(index)]",
          expected: "\"left right\" or [\"left\", \"right\"]", found: element.kind)
      }
      func id(_ token: String) throws(TokenizerError) -> Int32 {
        guard let id = vocabulary.id(of: token.utf8) else {
          throw .mergeOfUnknownToken(file: node.file, index: index, token: token)
        }
        return Int32(id)
      }
      let key = key(try id(left), try id(right))
      merges[key] = Merge(rank: Int32(index), id: try id(left + right))
    }
    return merges
  }

  private static func pair(_ element: JSONNode) -> (String, String)? {
    switch element {
    case .array(let parts):
      guard parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1]
      else { return nil }
      return (left, right)
    case .string(let text):
      let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      return (String(Substring(parts[0])), String(Substring(parts[1])))
    default: return nil
    }
  }
}

/// What stands around a single sequence (`post_processor` in tokenizer.json).
struct SequenceTemplate {
  private(set) var prefixIDs: [Int] = []
  private(set) var suffixIDs: [Int] = []

  static let supported = "Sequence, TemplateProcessing, ByteLevel"

  init(_ node: ConfigurationNode?, vocabulary: Vocabulary) throws(TokenizerError) {
    guard let node else { return }
    try read(node, vocabulary: vocabulary)
  }

  private mutating func read(
    _ node: ConfigurationNode, vocabulary: Vocabulary
  ) throws(TokenizerError) {
    let type = try node.required("type", "a post-processor's name").string()
    switch type {
    case "Sequence":
      for member in try node.required("processors", "an array").elements() {
        try read(member, vocabulary: vocabulary)
      }
    case "ByteLevel": break  // only moves offsets
    case "TemplateProcessing":
      let tokens = node["special_tokens"]
      var isBehind = false
      for piece in try node.required("single", "an array").elements() {
        guard let special = piece["SpecialToken"] else {
          isBehind = true  // the sequence itself
          continue
        }
        let name = try special.required("id", "a token").string()
        guard let entry = tokens?[name] else {
          throw .unexpectedValue(
            file: node.file, path: "\(node.path).special_tokens",
            expected: "an entry for \(name.debugDescription)", found: "none")
        }
        for idNode in try entry.required("ids", "an array").elements() {
          let id = try idNode.integer()
          guard vocabulary.token(of: id) != nil else {
            throw .idOutOfRange(
              file: node.file, path: idNode.path, id: id, limit: vocabulary.count)
          }
          if isBehind { suffixIDs.append(id) } else { prefixIDs.append(id) }
        }
      }
    default: throw node.unsupported(type, supported: Self.supported)
    }
  }
}
