public import Foundation

/// A Hugging Face tokenizer (`tokenizer.json`): byte-pair encoding over bytes (GPT-2, SmolLM2,
/// Llama 3, Qwen) or over characters with byte fallback (Llama 2, Mistral, Gemma).
public final class Tokenizer: Sendable {
  /// A stretch of text and whether special tokens written in it count as such.
  ///
  /// Text that came from a user is given with `parseSpecial` false: its `<|im_end|>` is then
  /// eight characters and cannot forge the end of a turn.
  public struct Segment: Hashable, Sendable {
    public var text: String
    public var parseSpecial: Bool

    public init(_ text: String, parseSpecial: Bool) {
      self.text = text
      self.parseSpecial = parseSpecial
    }
  }

  /// One more than the largest id.
  public let vocabularySize: Int
  /// Put before (and after) the text by `addSpecialTokens`.
  let prefix: [Int]
  let suffix: [Int]

  private let encoder: BytePairEncoder
  private let added: AddedTokens
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer?
  private let tokens: [Int: String]
  private let addedIDs: [Int: AddedTokens.Token]
  private let addedNames: [String: Int]
  /// Byte-level vocabularies spell bytes as characters; others spell spaces as ▁.
  private let isByteLevel: Bool
  /// The decoder drops one space at the start of the text.
  private let stripsFirstSpace: Bool

  /// Reads `tokenizer.json` of a model folder.
  public init(folder: URL) throws(TokenizerError) {
    let file = folder.appending(path: "tokenizer.json")
    let root: JSONValue
    do {
      root = try JSONValue(Data(contentsOf: file))
    } catch {
      throw .unreadable(
        file: file.path,
        reason: FileManager.default.fileExists(atPath: file.path)
          ? "it is not JSON" : "there is no such file")
    }
    guard let model = root["model"] else {
      throw .missing(file: file.path, what: "model", expected: "an object")
    }
    encoder = try BytePairEncoder(model, file: file.path)
    added = try AddedTokens(root["added_tokens"]?.array ?? [], file: file.path)
    normalizer = try root["normalizer"].map { value throws(TokenizerError) in
      try Normalizer(value, file: file.path)
    }
    preTokenizer = try root["pre_tokenizer"].map { value throws(TokenizerError) in
      try PreTokenizer(value, file: file.path)
    }
    var tokens = Dictionary(uniqueKeysWithValues: encoder.vocabulary.map { ($1, $0) })
    for token in added.tokens { tokens[token.id] = token.content }
    self.tokens = tokens
    addedIDs = Dictionary(
      added.tokens.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    addedNames = Dictionary(
      added.tokens.map { ($0.content, $0.id) }, uniquingKeysWith: { first, _ in first })
    vocabularySize = 1 + (tokens.keys.max() ?? 0)
    let decoder = try Self.decoder(root["decoder"], file: file.path)
    (isByteLevel, stripsFirstSpace) = decoder
    (prefix, suffix) = try Self.surroundings(root["post_processor"], file: file.path)
  }

  // MARK: - Tokens

  public func id(of token: String) -> Int? { addedNames[token] ?? encoder.vocabulary[token] }

  public func token(of id: Int) -> String? { tokens[id] }

  // MARK: - Text to tokens

  /// - Parameters:
  ///   - addSpecialTokens: puts what the model expects around a text (a beginning-of-sequence
  ///     token, for many).
  ///   - parseSpecial: whether special tokens written in the text count as such.
  public func encode(
    _ text: String, addSpecialTokens: Bool = false, parseSpecial: Bool = true
  ) -> [Int] {
    let ids = encode([Segment(text, parseSpecial: parseSpecial)])
    return addSpecialTokens ? prefix + ids + suffix : ids
  }

  /// Encodes the segments as one text: words may reach across their borders.
  public func encode(_ segments: [Segment]) -> [Int] {
    var ids: [Int] = []
    var text = ""
    var isFirst = true
    func flush() {
      guard !text.isEmpty else { return }
      ids += encodeWords(text, isFirst: isFirst)
      text = ""
      isFirst = false
    }
    for segment in segments {
      for piece in added.split(segment.text, parseSpecial: segment.parseSpecial) {
        switch piece {
        case .text(let more):
          text += more
        case .token(let id):
          flush()
          ids.append(id)
          isFirst = false
        }
      }
    }
    flush()
    return ids
  }

  private func encodeWords(_ text: String, isFirst: Bool) -> [Int] {
    let normalized = normalizer?.apply(text) ?? text
    let words = preTokenizer?.words(normalized, isFirst: isFirst) ?? [normalized]
    return words.flatMap { encoder.encode($0) }
  }

  // MARK: - Tokens to text

  /// The text of some tokens; bytes that are not UTF-8 become U+FFFD, unknown ids nothing.
  public func decode(_ ids: [Int], skipSpecialTokens: Bool = false) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      bytes += self.bytes(of: id, isFirst: bytes.isEmpty, skipSpecialTokens: skipSpecialTokens)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The bytes one token stands for.
  ///
  /// - Parameter isFirst: whether nothing came before it.
  func bytes(of id: Int, isFirst: Bool, skipSpecialTokens: Bool) -> [UInt8] {
    if let token = addedIDs[id] {
      return skipSpecialTokens && token.isSpecial ? [] : token.bytes
    }
    guard let token = tokens[id] else { return [] }
    if isByteLevel {
      return token.unicodeScalars.flatMap { scalar in
        ByteAlphabet.bytes[scalar].map { [$0] } ?? Array(String(scalar).utf8)
      }
    }
    if token.utf8.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">"),
      let byte = UInt8(token.dropFirst(3).dropLast(), radix: 16)
    {
      return [byte]
    }
    let text = token.replacingOccurrences(of: "▁", with: " ")
    return Array(
      (isFirst && stripsFirstSpace && text.hasPrefix(" ") ? String(text.dropFirst()) : text).utf8)
  }

  // MARK: - Reading the file

  /// Which of the two families of decoders the file describes.
  private static func decoder(
    _ value: JSONValue?, file: String
  ) throws(TokenizerError) -> (isByteLevel: Bool, stripsFirstSpace: Bool) {
    guard let value else { return (false, false) }
    let parts = value["type"]?.string == "Sequence" ? value["decoders"]?.array ?? [] : [value]
    var strips = false
    for part in parts {
      switch part["type"]?.string ?? "none" {
      case "ByteLevel": return (true, false)
      case "Metaspace": strips = (part["prepend_scheme"]?.string ?? "always") != "never"
      case "Strip": strips = (part["start"]?.integer ?? 0) > 0
      case "Replace", "ByteFallback", "Fuse": break
      case let other: throw .unsupported(file: file, component: "the decoder \(other)")
      }
    }
    return (false, strips)
  }

  /// The special tokens that a template post-processor puts around a single text.
  private static func surroundings(
    _ value: JSONValue?, file: String
  ) throws(TokenizerError) -> (prefix: [Int], suffix: [Int]) {
    guard let value else { return ([], []) }
    let parts = value["type"]?.string == "Sequence" ? value["processors"]?.array ?? [] : [value]
    var prefix: [Int] = []
    var suffix: [Int] = []
    for part in parts {
      let type = part["type"]?.string ?? "none"
      guard type == "TemplateProcessing" else {
        if type == "ByteLevel" { continue }
        throw .unsupported(file: file, component: "the post-processor \(type)")
      }
      var isAfterText = false
      for element in part["single"]?.array ?? [] {
        if element["Sequence"] != nil {
          isAfterText = true
        } else if let name = element["SpecialToken"]?["id"]?.string {
          let ids = part["special_tokens"]?[name]?["ids"]?.array?.compactMap(\.integer) ?? []
          guard !ids.isEmpty else {
            throw .unknownToken(file: file, what: "the post-processor", token: name)
          }
          if isAfterText { suffix += ids } else { prefix += ids }
        }
      }
    }
    return (prefix, suffix)
  }
}
