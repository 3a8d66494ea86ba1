import Foundation
import Support

extension AddedToken {
  /// The added tokens of tokenizer.json, completed by the files beside it as transformers completes them.
  ///
  /// `added_tokens_decoder` of tokenizer_config.json changes tokens and adds further ones; in folders without it
  /// added_tokens.json adds some. What is named as a special token there, such as `eos_token`, is one, also
  /// where it is an ordinary entry of the vocabulary. A token that the vocabulary lacks gets the next free
  /// id, whatever the file says.
  static func all(
    in root: ConfigurationNode, beside configuration: ConfigurationNode?, folder: URL
  ) throws(TokenizerError) -> [AddedToken] {
    var list = AddedTokenList(vocabulary: root["model"]?["vocab"])
    for node in try root["added_tokens"]?.elements() ?? [] {
      list.tokens.append(try AddedToken(node))
    }
    let named = try Self.named(configuration)
    if let decoder = configuration?["added_tokens_decoder"] {
      var entries: [(id: Int, node: ConfigurationNode)] = []
      for member in try decoder.members() {
        guard let id = Int(member.key), let node = decoder[member.key] else {
          throw decoder.mismatch("an object of ids and tokens")
        }
        entries.append((id, node))
      }
      for entry in entries.sorted(by: { $0.id < $1.id }) {
        try list.take(try AddedToken(entry.node, id: entry.id, at: entry.node), isSpecial: named)
      }
    } else if let file = try ConfigurationNode.read(
      "added_tokens.json", in: folder, required: false)
    {
      var entries: [(id: Int, content: String)] = []
      for member in try file.members() {
        guard let id = member.value.integer else {
          throw file.mismatch("an object of tokens and ids")
        }
        entries.append((id, member.key))
      }
      for (id, content) in entries.sorted(by: { $0.id < $1.id })
      where !list.tokens.contains(where: { $0.content == content }) {
        try list.take(
          AddedToken(id: id, content: content, isSpecial: named.contains(content)), isSpecial: named
        )
      }
    }
    // Only those that the vocabulary has: a name without a token is a fault of its own.
    for content in named.sorted() where list.vocabularyID(of: content) != nil {
      if !list.tokens.contains(where: { $0.content == content }) {
        try list.take(AddedToken(id: 0, content: content, isSpecial: true), isSpecial: named)
      }
    }
    return list.tokens
  }

  /// The texts of the tokens that have a name.
  private static func named(
    _ configuration: ConfigurationNode?
  ) throws(TokenizerError) -> Set<String> {
    var found: Set<String> = []
    for name in ["bos", "eos", "unk", "sep", "pad", "cls", "mask"] {
      guard let node = configuration?["\(name)_token"] else { continue }
      found.insert(try (node["content"] ?? node).string())
    }
    return found
  }
}

/// Added tokens being collected.
private struct AddedTokenList {
  var tokens: [AddedToken] = []
  private let vocabulary: ConfigurationNode?

  init(vocabulary: ConfigurationNode?) { self.vocabulary = vocabulary }

  func vocabularyID(of content: String) -> Int? { vocabulary?[content]?.value.integer }

  /// Takes a token in the place of the one of its text, or as a further one.
  mutating func take(_ token: AddedToken, isSpecial named: Set<String>) throws(TokenizerError) {
    var token = token
    token.isSpecial = token.isSpecial || named.contains(token.content)
    if let place = tokens.firstIndex(where: { $0.content == token.content }) {
      token.id = tokens[place].id
      tokens[place] = token
      return
    }
    if let id = vocabularyID(of: token.content) {
      token.id = id
    } else {
      token.id = try nextID()
    }
    tokens.append(token)
  }

  private func nextID() throws(TokenizerError) -> Int {
    let size = try vocabulary?.members().count ?? 0
    return max(size, (tokens.map(\.id).max() ?? -1) + 1)
  }
}
