import Foundation
import Support
import Testing

@testable import Tokenization

/// Expected values were computed by Hugging Face's `tokenizers` 0.23.
@Suite struct TokenizationComponentTests {
  private func node(_ json: String) throws -> ConfigurationNode? {
    let element = try JSONNode(parsing: Array(json.utf8))
    if case .null = element { return nil }
    return ConfigurationNode(file: "tokenizer.json", path: "component", value: element)
  }

  @Test(
    arguments: [
      (
        #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#,
        "It's   12345 o'clock,\tisn't\r\n it?  ",
        [
          "It", "'s", "\u{120}\u{120}", "\u{120}12345", "\u{120}o", "'", "clock", ",", "\u{109}",
          "isn", "'t", "\u{10D}\u{10A}", "\u{120}it", "?", "\u{120}\u{120}",
        ]
      ),
      (
        #"{"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}"#,
        "Hi there", ["\u{120}Hi", "\u{120}there"]
      ),
      (
        #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}"#,
        "a b\u{E9}", ["a\u{120}b\u{C3}\u{A9}"]
      ),
      (
        #"""
        {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits":
        true}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]}
        """#,
        "x86_64 \u{664}\u{BD} 10",
        [
          "x", "8", "6", "_", "6", "4", "\u{120}", "\u{D9}\u{A4}", "\u{C2}\u{BD}", "\u{120}", "1",
          "0",
        ]
      ),
      (
        #"{"type": "Digits", "individual_digits": false}"#,
        "a123b 45", ["a", "123", "b ", "45"]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"Regex":
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\#
         ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}, "behavior":
        "Isolated", "invert": false}
        """#,
        "Hello WE'LL pay 12345!!\n\n  ok\u{A0}\u{3000} \u{200D}\u{65E5}\u{672C}",
        [
          "Hello", " WE", "'LL", " pay", " ", "123", "45", "!!\n\n", " ", " ok", "\u{A0}\u{3000}",
          " \u{200D}", "\u{65E5}\u{672C}",
        ]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"Regex": "\\w+|[^\\w\\s]+"}, "behavior": "Removed",
        "invert": true}
        """#,
        "a\u{200D}b, c\u{301}d -- e", ["a", "\u{200D}", "b", ",", "c\u{301}d", "--", "e"]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious",
        "invert": false}
        """#,
        " a  b c ", [" ", "a ", " ", "b ", "c "]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithNext",
        "invert": false}
        """#,
        " a  b c ", [" a", " ", " b", " c", " "]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"String": " "}, "behavior": "Removed", "invert":
        false}
        """#,
        " a  b c ", ["a", "b", "c"]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert":
        false}
        """#,
        " a  b c ", [" ", "a", " ", " ", "b", " ", "c", " "]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"String": " "}, "behavior": "Contiguous", "invert":
        false}
        """#,
        " a  b c ", [" ", "a", "  ", "b", " ", "c", " "]
      ),
      (
        #"""
        {"type": "Split", "pattern": {"Regex": "[0-9]"}, "behavior": "Contiguous", "invert":
        true}
        """#,
        "ab12c3", ["ab", "12", "c", "3"]
      ),
      (
        #"""
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split":
        true}
        """#,
        "Hi  there you", ["\u{2581}Hi", "\u{2581}", "\u{2581}there", "\u{2581}you"]
      ),
      (
        #"""
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never", "split":
        true}
        """#,
        "Hi  there", ["Hi", "\u{2581}", "\u{2581}there"]
      ),
      (
        #"""
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split":
        false}
        """#,
        " Hi there", ["\u{2581}Hi\u{2581}there"]
      ),
      (
        #"{"type": "Whitespace"}"#,
        "Hey, you_2 \u{2014} na\u{EF}ve cafe\u{301}!",
        ["Hey", ",", "you_2", "\u{2014}", "na\u{EF}ve", "cafe\u{301}", "!"]
      ),
      (
        #"{"type": "WhitespaceSplit"}"#,
        " a\u{A0}b\nc ", ["a", "b", "c"]
      ),
      (
        #"{"type": "Punctuation", "behavior": "Isolated"}"#,
        "a,b$c\u{2026}d", ["a", ",", "b", "$", "c", "\u{2026}", "d"]
      ),
    ] as [(String, String, [String])])
  func preTokenizerCutsAsReferenceDoes(json: String, text: String, expected: [String]) throws {
    let preTokenizer = try PreTokenizer(try #require(try node(json)))
    var cut = PreTokenizedText(text, continues: false, startsInput: true)
    preTokenizer.apply(to: &cut)
    let pieces = cut.pieces.map { Array(cut.bytes[$0]) }
    #expect(pieces == expected.map { Array($0.utf8) })
  }

  @Test(
    arguments: [
      (
        #"{"type": "NFC"}"#,
        "e\u{301} \u{FB01}", "\u{E9} \u{FB01}"
      ),
      (
        #"{"type": "NFD"}"#,
        "\u{E9}", "e\u{301}"
      ),
      (
        #"{"type": "NFKC"}"#,
        "\u{FB01} \u{BD} \u{2460}", "fi 1\u{2044}2 1"
      ),
      (
        #"{"type": "NFKC"}"#,
        "\u{FF76}\u{FF9E} \u{FF8A}\u{FF9F} e\u{301}", "\u{30AC} \u{30D1} \u{E9}"
      ),
      (
        #"{"type": "NFKD"}"#,
        "\u{E9}\u{FB01}", "e\u{301}fi"
      ),
      (
        #"{"type": "Lowercase"}"#,
        "ABC \u{130} \u{3A3}\u{3A3} \u{1E9E}", "abc i\u{307} \u{3C3}\u{3C3} \u{DF}"
      ),
      (
        #"{"type": "Prepend", "prepend": "\u2581"}"#,
        "a", "\u{2581}a"
      ),
      (
        #"{"type": "Prepend", "prepend": "\u2581"}"#,
        "", ""
      ),
      (
        #"{"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}"#,
        "a  b", "a\u{2581}\u{2581}b"
      ),
      (
        #"{"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}"#,
        "a \n b", "a b"
      ),
      (
        #"{"type": "Strip", "strip_left": true, "strip_right": false}"#,
        "  a  ", "a  "
      ),
      (
        #"""
        {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
        """#,
        "a b", "\u{2581}a\u{2581}b"
      ),
    ] as [(String, String, String)])
  func normalizerRewritesAsReferenceDoes(json: String, text: String, expected: String) throws {
    let normalizer = try Normalizer(try #require(try node(json)))
    #expect(
      Array(normalizer.normalize(text, continues: false).utf8) == Array(expected.utf8))
  }

  @Test(
    arguments: [
      (
        #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#,
        ["H", "\u{C3}", "\u{A9}", "\u{120}w", "\u{10A}"], "H\u{E9} w\n"
      ),
      (
        #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#,
        ["\u{F0}\u{141}", "\u{13B}", "x"], "\u{FFFD}x"
      ),
      (
        #"""
        {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String":
        "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type":
        "Strip", "content": " ", "start": 1, "stop": 0}]}
        """#,
        ["\u{2581}Hi", "\u{2581}there", "<0xC3>", "<0xA9>", "!"], "Hi there\u{E9}!"
      ),
      (
        #"""
        {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String":
        "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type":
        "Strip", "content": " ", "start": 1, "stop": 0}]}
        """#,
        ["<0xC3>", "a", "<0xF0>", "<0x9F>", "\u{2581}"], "\u{FFFD}a\u{FFFD}\u{FFFD} "
      ),
      (
        #"""
        {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String":
        "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type":
        "Strip", "content": " ", "start": 1, "stop": 0}]}
        """#,
        ["\u{2581}\u{2581}a", "\u{2581}"], " a "
      ),
      (
        #"""
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split":
        true}
        """#,
        ["\u{2581}Hi", "\u{2581}there\u{2581}"], "Hi there "
      ),
      (
        #"""
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never", "split":
        true}
        """#,
        ["\u{2581}Hi", "\u{2581}there"], " Hi there"
      ),
      (
        #"{"type": "Strip", "content": "-", "start": 1, "stop": 1}"#,
        ["--a--", "b"], "-a-b"
      ),
      (#"null"#, ["a", "b"], "a b"),
    ] as [(String, [String], String)])
  func decoderJoinsAsReferenceDoes(json: String, tokens: [String], expected: String) throws {
    var stages = try DecodingStage.stages(try node(json))
    func run(_ fragments: [String], from first: Int) -> String {
      var fragments = fragments
      for index in stages.indices.dropFirst(first) {
        fragments = fragments.flatMap { stages[index].push($0) }
      }
      return fragments.joined()
    }
    var text = tokens.map { run([$0], from: 0) }.joined()
    for index in stages.indices { text += run(stages[index].finish(), from: index + 1) }
    #expect(Array(text.utf8) == Array(expected.utf8))
  }

  @Test func normalizerPutsNothingBeforeTextThatGoesOn() throws {
    let normalizer = try Normalizer(
      try #require(try node(#"{"type": "Prepend", "prepend": "-"}"#)))
    #expect(normalizer.normalize("a", continues: true) == "a")
  }
}
