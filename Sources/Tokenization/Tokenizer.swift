package import Foundation

/// A tokenizer read from a Hugging Face `tokenizer.json`: byte pairs, byte-level as in GPT-2, Llama 3, Qwen and
/// SmolLM2 or SentencePiece-style with byte fallback as in Llama 2, Mistral and Gemma, or SentencePiece's
/// unigram model.
///
/// It gives the ids that Hugging Face's `tokenizers` gives. It is immutable but for a word cache
/// behind a lock, so any number of threads may share one.
package final class Tokenizer: Sendable {
  /// The token before every sequence, from tokenizer_config.json's `bos_token`, else config.json's
  /// `bos_token_id`; nil where neither names one.
  package let beginningOfSequenceID: Int?
  /// The token behind every sequence, found likewise.
  package let endOfSequenceID: Int?
  /// Every id at which generation should stop: `eos_token_id` (one or several) of
  /// generation_config.json, else of config.json, else the tokenizer's own.
  package let endOfSequenceIDs: [Int]

  let encoder: TokenEncoder
  let normalizer: Normalizer?
  let preTokenizer: PreTokenizer?
  let decodingStages: [DecodingStage]
  /// What `addSpecialTokens` puts before and behind.
  package let prefixIDs: [Int]
  let suffixIDs: [Int]
  /// Added tokens found in the text as typed, and those found once it is normalized.
  let rawMatcher: AddedTokenMatcher
  let normalizedMatcher: AddedTokenMatcher
  /// Both kinds by their text as typed, for input of which only parts may hold special tokens.
  let combinedMatcher: AddedTokenMatcher
  let hasNormalizedSpecialTokens: Bool
  let specialIDs: Set<Int>
  /// Texts of added tokens that are found in normalized text, which are decoded as they are found.
  let normalizedForms: [Int: String]
  /// Special tokens that plain text must never turn into by merging.
  let protectedIDs: Set<Int32>
  private let cache = WordCache()

  /// Reads `tokenizer.json` and, where present, `tokenizer_config.json`, `generation_config.json`
  /// and `config.json`.
  ///
  /// - Throws: `TokenizerError`, which names the file, the place in it, and what was expected.
  package convenience init(folder: URL) throws(TokenizerError) {
    self.init(try TokenizerFiles(folder: folder))
  }

  init(_ files: TokenizerFiles) {
    encoder = files.encoder
    normalizer = files.normalizer
    preTokenizer = files.preTokenizer
    decodingStages = files.decodingStages
    prefixIDs = files.prefixIDs
    suffixIDs = files.suffixIDs
    beginningOfSequenceID = files.beginningOfSequenceID
    endOfSequenceID = files.endOfSequenceID
    endOfSequenceIDs = files.endOfSequenceIDs

    let added = files.addedTokens
    let normalizer = files.normalizer
    rawMatcher = AddedTokenMatcher(added.filter { !$0.isNormalized }, form: \.content)
    var forms: [Int: String] = [:]
    if let normalizer {
      for token in added where token.isNormalized {
        forms[token.id] = normalizer.normalize(token.content, continues: false)
      }
    }
    normalizedForms = forms
    normalizedMatcher = AddedTokenMatcher(added.filter(\.isNormalized)) { token in
      forms[token.id] ?? token.content
    }
    combinedMatcher = AddedTokenMatcher(
      added.filter { !$0.isNormalized || $0.isSpecial }, form: \.content)
    hasNormalizedSpecialTokens = added.contains { $0.isNormalized && $0.isSpecial }
    let special = added.filter(\.isSpecial)
    specialIDs = Set(special.map(\.id))
    let unknownID = files.encoder.unknownID.map(Int.init)
    protectedIDs = Set(
      special.filter { $0.content.unicodeScalars.count > 1 && $0.id != unknownID }
        .map { Int32($0.id) })
  }

  /// One more than the largest id. A model's embedding may have more rows, for padding.
  package var vocabularySize: Int { encoder.vocabulary.count }

  /// The id of a token as the vocabulary writes it (`Ġthe`, `▁the`, `<|im_end|>`), or nil.
  package func id(of token: String) -> Int? { encoder.vocabulary.id(of: token.utf8) }

  /// The token as the vocabulary writes it, or nil where no token has the id.
  package func token(of id: Int) -> String? { encoder.vocabulary.token(of: id) }

  /// Whether the id is a control token, such as the marker of a chat turn.
  package func isSpecial(_ id: Int) -> Bool { specialIDs.contains(id) }

  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - addSpecialTokens: Adds what the model expects around a sequence, such as the
  ///     beginning-of-sequence token. Chat formats write those themselves.
  ///   - parseSpecial: Whether text that spells a special token (`<|im_end|>`) becomes that token.
  ///     False keeps it plain text, and this is what keeps a prompt from forging chat turns: a
  ///     user's text can then never yield a control token, neither by spelling it nor by merging.
  package func encode(
    _ text: String, addSpecialTokens: Bool = false, parseSpecial: Bool = true
  ) -> [Int] {
    let ids = encode([InputPart(text: text, parsesSpecial: parseSpecial)]).flatMap(\.self)
    return addSpecialTokens ? prefixIDs + ids + suffixIDs : ids
  }

  /// The text of ids. Bytes that are not UTF-8 become U+FFFD; ids outside the vocabulary are left
  /// out. No space is tidied away, so byte-level text comes back as it went in.
  package func decode(_ ids: [Int], skipSpecialTokens: Bool) -> String {
    var decoder = TokenDecoder(self, skipSpecialTokens: skipSpecialTokens)
    var text = ""
    for id in ids { text += decoder.append(id) }
    return text + decoder.finish()
  }

  /// The tokens of a pre-tokenized word.
  func merge(_ word: ArraySlice<UInt8>, protectsSpecial: Bool) -> [Int32] {
    let ids = cache.tokens(of: word) { encoder.encode($0) }
    guard protectsSpecial, !protectedIDs.isEmpty, ids.contains(where: protectedIDs.contains) else {
      return ids
    }
    return encoder.encode(word, excluding: protectedIDs)
  }
}
