import Foundation
import Support
import Testing
import TinyTokenizer
import Tokenization

@Suite struct TokenizationTests {
  private static let merges = [
    ("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "w"), ("a", "a"), ("aa", "aa"),
    ("<", "s"), ("<s", ">"), ("ð", "Ł"),
  ]

  private static func strings(_ tokenizer: Tokenizer, _ ids: [Int]) -> [String] {
    ids.map { tokenizer.token(of: $0) ?? "?" }
  }

  @Test func mergesByRankFromTheLeft() throws {
    let tokenizer = try TokenizerFixture.tokenizer(TokenizerFixture.byteLevel(merges: Self.merges))
    #expect(Self.strings(tokenizer, tokenizer.encode("hello w")) == ["hello", "Ġw"])
    #expect(Self.strings(tokenizer, tokenizer.encode("aaaaaaa")) == ["aaaa", "aa", "a"])
    #expect(tokenizer.encode("") == [])
  }

  @Test func readsMergesInBothForms() throws {
    let pairs = TokenizerFixture.byteLevel(merges: Self.merges)
    var strings = pairs
    var model = try #require(pairs["model"] as? [String: Any])
    model["merges"] = Self.merges.map { "\($0.0) \($0.1)" }
    strings["model"] = model
    let text = "hello world, aaaa"
    #expect(
      try TokenizerFixture.tokenizer(pairs).encode(text)
        == TokenizerFixture.tokenizer(strings).encode(text))
  }

  @Test func takesWholeWordsWhereMergesAreIgnored() throws {
    var file = TokenizerFixture.byteLevel(merges: [("a", "b"), ("ab", "c"), ("c", "d")])
    var model = try #require(file["model"] as? [String: Any])
    var vocabulary = try #require(model["vocab"] as? [String: Int])
    vocabulary["abcd"] = vocabulary.count  // no merge leads to it
    model["vocab"] = vocabulary
    file["model"] = model
    let merging = try TokenizerFixture.tokenizer(file)
    #expect(Self.strings(merging, merging.encode("abcd")) == ["abc", "d"])
    model["ignore_merges"] = true
    file["model"] = model
    let ignoring = try TokenizerFixture.tokenizer(file)
    #expect(Self.strings(ignoring, ignoring.encode("abcd")) == ["abcd"])
  }

  @Test func plainTextNeverBecomesASpecialToken() throws {
    // The merges spell out the special token, as a careless vocabulary's do.
    let tokenizer = try TokenizerFixture.tokenizer(
      TokenizerFixture.byteLevel(merges: Self.merges, special: ["<s>", "<|end|>"]))
    let special = try #require(tokenizer.id(of: "<s>"))
    let text = "a<s>b<|end|>"
    let parsed = tokenizer.encode(text)
    let plain = tokenizer.encode(text, parseSpecial: false)
    #expect(parsed.contains(special))
    #expect(!plain.contains { tokenizer.isSpecial($0) })
    #expect(tokenizer.decode(plain, skipSpecialTokens: true) == text)
    #expect(tokenizer.decode(parsed, skipSpecialTokens: true) == "ab")
    #expect(tokenizer.decode(parsed, skipSpecialTokens: false) == text)
  }

  @Test func findsAddedTokensByTheirOwnRules() throws {
    var file = TokenizerFixture.byteLevel()
    file["added_tokens"] = [
      TokenizerFixture.addedToken("<a>", id: 256), TokenizerFixture.addedToken("<a><b>", id: 257),
      TokenizerFixture.addedToken("<l>", id: 258, ["lstrip": true]),
      TokenizerFixture.addedToken("<r>", id: 259, ["rstrip": true]),
      TokenizerFixture.addedToken("cat", id: 260, special: false, ["single_word": true]),
    ]
    let tokenizer = try TokenizerFixture.tokenizer(file)
    func found(_ text: String) -> [String] { Self.strings(tokenizer, tokenizer.encode(text)) }
    #expect(found("<a><b><a>") == ["<a><b>", "<a>"])
    #expect(found("x  <l> y") == ["x", "<l>", "Ġ", "y"])
    #expect(found("x <r>\n y") == ["x", "Ġ", "<r>", "y"])
    #expect(found("cat.") == ["cat", "."])
    #expect(found("cats") == ["c", "a", "t", "s"])
  }

  @Test func addsWhatTheSequenceNeeds() throws {
    var file = TokenizerFixture.byteLevel(special: ["<s>"])
    file["post_processor"] = TokenizerFixture.beginning("<s>", id: 256)
    let tokenizer = try TokenizerFixture.tokenizer(file)
    #expect(tokenizer.encode("a", addSpecialTokens: true).first == 256)
    #expect(tokenizer.encode("a").count == 1)
    let without = try TokenizerFixture.tokenizer(
      file, beside: ["tokenizer_config.json": ["bos_token": "<s>", "add_bos_token": false]])
    #expect(without.encode("a", addSpecialTokens: true).count == 1)
    file["post_processor"] = NSNull()
    let with = try TokenizerFixture.tokenizer(
      file,
      beside: [
        "tokenizer_config.json": ["bos_token": ["content": "<s>"], "add_bos_token": true]
      ])
    #expect(with.encode("a", addSpecialTokens: true).first == 256)
  }

  @Test(arguments: [
    (#"{"eos_token_id": [256, 257]}"#, #"{"eos_token_id": 256}"#, [256, 257]),
    (#"{"eos_token_id": 257}"#, #"{"eos_token_id": 256}"#, [257]),
    ("{}", #"{"eos_token_id": [256]}"#, [256]),
    ("{}", "{}", [257]),
  ])
  func stopsWhereTheModelsFilesSay(generation: String, model: String, expected: [Int]) throws {
    let tokenizer = try TokenizerFixture.tokenizer(
      TokenizerFixture.byteLevel(special: ["<e>", "<f>"]),
      beside: [
        "generation_config.json": generation, "config.json": model,
        "tokenizer_config.json": ["eos_token": "<f>"],
      ])
    #expect(tokenizer.endOfSequenceIDs == expected)
  }

  @Test func fallsBackToBytesAndUnknown() throws {
    let tokenizer = try TokenizerFixture.tokenizer(
      TokenizerFixture.sentencePiece(
        pieces: ["▁", "h", "i", "▁h", "▁hi"], merges: [("▁", "h"), ("▁h", "i")]))
    let ids = tokenizer.encode("hi hié", addSpecialTokens: true)
    #expect(Self.strings(tokenizer, ids) == ["<s>", "▁hi", "▁hi", "<0xC3>", "<0xA9>"])
    #expect(tokenizer.decode(ids, skipSpecialTokens: true) == "hi hié")
    // Before text, after a special token, a new dummy space is put, as the file's normalizer says.
    #expect(Self.strings(tokenizer, tokenizer.encode("<s>hi")) == ["<s>", "▁hi"])
  }

  @Test func holdsBackIncompleteCharacters() throws {
    let tokenizer = try TokenizerFixture.tokenizer(TokenizerFixture.byteLevel())
    var decoder = TokenDecoder(tokenizer, skipSpecialTokens: true)
    let pieces = tokenizer.encode("é🙂").map { decoder.append($0) }
    #expect(pieces == ["", "é", "", "", "", "🙂"])
    #expect(decoder.append(0xF0) == "")
    #expect(decoder.append(0x9F) == "")
    #expect(decoder.append(0x41) == "\u{FFFD}A")
    #expect(decoder.append(0xE2) == "")
    #expect(decoder.append(1_000_000) == "")
    #expect(decoder.finish() == "\u{FFFD}")
    #expect(decoder.finish() == "")
  }

  @Test func anyTextComesBack() throws {
    let tokenizer = try TokenizerFixture.tokenizer(
      TokenizerFixture.byteLevel(merges: Self.merges, special: ["<|end|>"]))
    var generator = SplitMix64(seed: 1)
    for _ in 0..<300 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0..<40, using: &generator) {
        let limits: [UInt32] = [0x80, 0x80, 0x800, 0x11_0000]
        let limit = limits.randomElement(using: &generator) ?? 0x80
        let value = UInt32.random(in: 0..<limit, using: &generator)
        if let scalar = Unicode.Scalar(value) { text.append(scalar) }
      }
      let string = String(text)
      let ids = tokenizer.encode(string, parseSpecial: false)
      let decoded = tokenizer.decode(ids, skipSpecialTokens: false)
      #expect(decoded.utf8.elementsEqual(string.utf8), "\(string.debugDescription)")
    }
  }

  @Test func streamsAnyIDsAsItDecodesThem() throws {
    let tokenizer = try TokenizerFixture.tokenizer(
      TokenizerFixture.sentencePiece(
        pieces: ["▁", "▁▁", "a", "é"], merges: [("▁", "▁")]))
    var generator = SplitMix64(seed: 2)
    for _ in 0..<300 {
      let ids = (0..<Int.random(in: 0..<12, using: &generator)).map { _ in
        Int.random(in: 0..<tokenizer.vocabularySize + 2, using: &generator)
      }
      var decoder = TokenDecoder(tokenizer, skipSpecialTokens: true)
      let streamed = ids.map { decoder.append($0) }.joined() + decoder.finish()
      #expect(streamed == tokenizer.decode(ids, skipSpecialTokens: true), "\(ids)")
    }
  }

  @Test func mergesLongWordsInReasonableTime() throws {
    let tokenizer = try TokenizerFixture.tokenizer(TokenizerFixture.byteLevel(merges: Self.merges))
    // Quadratic merging would need 10¹⁰ steps here.
    let ids = tokenizer.encode(String(repeating: "a", count: 100_000))
    #expect(ids.count == 25_000)
  }

  @Test func givesEveryThreadTheSameIDs() async throws {
    let tokenizer = try TokenizerFixture.tokenizer(TokenizerFixture.byteLevel(merges: Self.merges))
    let text = "hello w aaaa hello"
    let expected = tokenizer.encode(text)
    let agree = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<16 {
        group.addTask { (0..<50).allSatisfy { _ in tokenizer.encode(text) == expected } }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(agree)
  }
}
