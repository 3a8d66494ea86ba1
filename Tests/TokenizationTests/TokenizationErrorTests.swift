import Foundation
import Testing
import TinyTokenizer
import Tokenization

/// A malformed file is refused with the place and what was expected.
@Suite struct TokenizationErrorTests {
  private func failure(_ files: [String: Any]) throws -> TokenizerError? {
    try TokenizerFixture.withFolder(files) { folder in
      do throws(TokenizerError) {
        _ = try Tokenizer(folder: folder)
        return nil
      } catch {
        return error
      }
    }
  }

  private func model(_ change: (inout [String: Any]) -> Void) -> [String: Any] {
    var file = TokenizerFixture.byteLevel(merges: [("a", "b")])
    var model = file["model"] as? [String: Any] ?? [:]
    change(&model)
    file["model"] = model
    return ["tokenizer.json": file]
  }

  private func file(_ key: String, _ value: Any) -> [String: Any] {
    var file = TokenizerFixture.byteLevel()
    file[key] = value
    return ["tokenizer.json": file]
  }

  @Test func namesAMissingFile() throws {
    guard case .unreadableFile(let file, let reason)? = try failure([:]) else {
      Issue.record("expected unreadableFile")
      return
    }
    #expect(file.hasSuffix("tokenizer.json"))
    #expect(reason == "no such file")
  }

  @Test(arguments: ["tokenizer.model", "tekken.json", "vocab.json"])
  func saysHowToMakeAMissingFile(name: String) throws {
    let error = try failure([name: "x"])
    guard case .otherForm(_, [name])? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.description.contains("save_pretrained") == true)
  }

  /// Published configurations hold ids that are none, beside a generation_config.json that is right.
  @Test(arguments: [#""</s>""#, "-1", "99999999", "[1, null]", "{}", "1.5"])
  func aBadIDThatIsOverruledDoesNotMatter(id: String) throws {
    let configuration = "{\"eos_token_id\": \(id), \"bos_token_id\": 1}"
    var files: [String: Any] = [
      "tokenizer.json": TokenizerFixture.byteLevel(special: ["<end>"]),
      "config.json": configuration,
    ]
    let alone = try failure(files)
    #expect(alone != nil)
    files["generation_config.json"] = "\u{FEFF}{\"eos_token_id\": [256]}"
    let ids = try TokenizerFixture.withFolder(files) { try Tokenizer(folder: $0).endOfSequenceIDs }
    #expect(ids == [256])
  }

  @Test(arguments: [("{", 1), ("not json", 0), ("{\"a\": 1,}", 8), ("[1, 2", 5), ("", 0)])
  func saysWhereJSONBreaks(text: String, offset: Int) throws {
    guard case .notJSON(_, let found, _)? = try failure(["tokenizer.json": text]) else {
      Issue.record("expected notJSON")
      return
    }
    #expect(found == offset)
  }

  @Test func refusesAMissingOrForeignModel() throws {
    let missing = try failure(["tokenizer.json": ["version": "1.0"]])
    guard case .unexpectedValue(_, "model", "a model", "nothing")? = missing else {
      Issue.record("\(String(describing: missing))")
      return
    }
    guard
      case .unsupported(_, "model", "a model of type WordPiece", "BPE, Unigram")? = try failure(
        ["tokenizer.json": ["model": ["type": "WordPiece", "vocab": [:]]]])
    else {
      Issue.record("expected unsupported")
      return
    }
  }

  @Test(arguments: [
    #"[["a", -1.5], ["b"]]"#, #"[["a", "high"]]"#, #"{"a": 1}"#, #"[["a", -1], ["a", -2]]"#,
  ])
  func refusesABrokenListOfScores(list: String) throws {
    #expect(
      try failure([
        "tokenizer.json": #"{"model": {"type": "Unigram", "unk_id": 0, "vocab": \#(list)}}"#
      ]) != nil)
  }

  @Test(arguments: ["", "AAA", "////", "/wAAAA=="])
  func refusesABrokenMap(map: String) throws {
    #expect(
      try failure(
        file("normalizer", ["type": "Precompiled", "precompiled_charsmap": map] as [String: Any]))
        != nil)
  }

  @Test func refusesAMergeOfUnknownTokens() throws {
    for (merge, token) in [(["q", "zz"], "zz"), (["q", "z"], "qz")] {
      let error = try failure(model { $0["merges"] = [["a", "b"], merge] })
      guard case .mergeOfUnknownToken(_, 1, token)? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  @Test(arguments: ["a b c", "ab", 5] as [any Sendable])
  func refusesAMergeThatIsNoPair(merge: any Sendable) throws {
    let error = try failure(model { $0["merges"] = [merge] })
    guard case .unexpectedValue(_, "model.merges[0]", _, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func refusesDuplicateAndImpossibleIDs() throws {
    let twice = try failure([
      "tokenizer.json": #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}"#
    ])
    guard case .duplicateID(_, 0, "a", "b")? = twice else {
      Issue.record("\(String(describing: twice))")
      return
    }
    let repeated = try failure([
      "tokenizer.json": #"{"model": {"type": "BPE", "vocab": {"a": 0, "a": 1}, "merges": []}}"#
    ])
    guard case .duplicateToken(_, "a")? = repeated else {
      Issue.record("\(String(describing: repeated))")
      return
    }
    for id in [-1, 1 << 40] {
      let error = try failure([
        "tokenizer.json":
          "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": \(id)}, \"merges\": []}}"
      ])
      guard case .idOutOfRange(_, "model.vocab[\"a\"]", id, _)? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    let added = try failure(file("added_tokens", [TokenizerFixture.addedToken("<x>", id: 7)]))
    guard case .duplicateID(_, 7, _, "<x>")? = added else {
      Issue.record("\(String(describing: added))")
      return
    }
  }

  @Test(arguments: [
    ("normalizer", "BertNormalizer"), ("pre_tokenizer", "UnicodeScripts"), ("decoder", "WordPiece"),
    ("post_processor", "BertProcessing"),
  ])
  func namesAComponentItDoesNotHave(key: String, type: String) throws {
    guard case .unsupported(_, key, type, _)? = try failure(file(key, ["type": type])) else {
      Issue.record("expected unsupported")
      return
    }
  }

  @Test func refusesABrokenPattern() throws {
    let split: [String: Any] = ["type": "Split", "pattern": ["Regex": "("], "behavior": "Isolated"]
    let error = try failure(file("pre_tokenizer", split))
    guard case .invalidPattern(_, "pre_tokenizer.pattern.Regex", "(", _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func refusesFilesOfAnotherModel() throws {
    var files = file("added_tokens", [Any]())
    files["tokenizer_config.json"] = ["eos_token": "<nowhere>"]
    guard case .unknownToken(_, "eos_token", "<nowhere>")? = try failure(files) else {
      Issue.record("expected unknownToken")
      return
    }
    files["tokenizer_config.json"] = nil
    files["generation_config.json"] = ["eos_token_id": [5, 400]]
    guard case .idOutOfRange(_, "eos_token_id[1]", 400, 256)? = try failure(files) else {
      Issue.record("expected idOutOfRange")
      return
    }
  }

  @Test func saysWhatWasExpectedAndFound() {
    let error = TokenizerError.unexpectedValue(
      file: "tokenizer.json", path: "model.vocab", expected: "an object", found: "null")
    #expect(error.description == "tokenizer.json: expected an object at model.vocab, found null")
  }
}
