import Foundation
import Testing
import TinyTokenizer
import Tokenization

/// Added tokens that stand in files beside tokenizer.json; ids as transformers gives them.
@Suite struct AddedTokenFileTests {
  /// 256 bytes, then `</s>`, which is an ordinary entry, then the added token `<a>`.
  private static func file() throws -> [String: Any] {
    var file = TokenizerFixture.byteLevel(special: ["<a>"])
    var model = try #require(file["model"] as? [String: Any])
    var vocabulary = try #require(model["vocab"] as? [String: Int])
    vocabulary["</s>"] = 256
    model["vocab"] = vocabulary
    file["model"] = model
    file["added_tokens"] = [TokenizerFixture.addedToken("<a>", id: 257, special: false)]
    return file
  }

  private static func entry(
    _ content: String, special: Bool, _ options: [String: Bool] = [:]
  ) -> [String: Any] {
    var entry = TokenizerFixture.addedToken(content, id: 0, special: special, options)
    entry["id"] = nil
    return entry
  }

  @Test func theConfigurationCompletesAndChanges() throws {
    let tokenizer = try TokenizerFixture.tokenizer(
      Self.file(),
      beside: [
        "tokenizer_config.json": [
          "added_tokens_decoder": [
            "257": Self.entry("<a>", special: true), "300": Self.entry("<c>", special: false),
            "299": Self.entry("<b>", special: false, ["rstrip": true]),
          ]
        ],
        "added_tokens.json": ["<never>": 258],
      ])
    // The next free ids, in the order of those that the file gives.
    #expect(tokenizer.encode("<a><b>  <c><never>").prefix(3) == [257, 258, 259])
    #expect(tokenizer.encode("<a>", parseSpecial: false) == Array("<a>".utf8).map(Int.init))
    #expect(tokenizer.id(of: "<never>") == nil)
  }

  @Test func olderFoldersHaveAFileOfTheirOwn() throws {
    let tokenizer = try TokenizerFixture.tokenizer(
      Self.file(),
      beside: [
        "tokenizer_config.json": ["pad_token": "<p>", "eos_token": "</s>"],
        "added_tokens.json": ["<b>": 258, "<p>": 259, "<a>": 257],
      ])
    #expect(tokenizer.encode("<b><p><a>") == [258, 259, 257])
    #expect(tokenizer.isSpecial(259) && !tokenizer.isSpecial(258) && !tokenizer.isSpecial(257))
  }

  /// A token that the model ends with is one, also where the vocabulary alone has it.
  @Test func namedTokensAreSpecial() throws {
    let plain = try TokenizerFixture.tokenizer(Self.file())
    #expect(plain.encode("a</s>") == Array("a</s>".utf8).map(Int.init))
    let named = try TokenizerFixture.tokenizer(
      Self.file(), beside: ["tokenizer_config.json": ["eos_token": ["content": "</s>"]]])
    #expect(named.encode("a</s>") == [97, 256])
    #expect(named.encode("a</s>", parseSpecial: false) == Array("a</s>".utf8).map(Int.init))
    #expect(named.isSpecial(256))
  }

  @Test func filesThatAreNoListOfTokensAreRefused() throws {
    for beside in [
      ["tokenizer_config.json": ["added_tokens_decoder": ["x": Self.entry("<b>", special: true)]]],
      ["tokenizer_config.json": ["added_tokens_decoder": ["258": "<b>"]]],
      ["added_tokens.json": ["<b>": "258"]],
    ] as [[String: Any]] {
      #expect(throws: TokenizerError.self) {
        _ = try TokenizerFixture.tokenizer(Self.file(), beside: beside)
      }
    }
  }
}
