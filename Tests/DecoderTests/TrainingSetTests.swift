import ChatTemplates
import Checkpoints
import Foundation
import ModelAccess
import Support
import TestSupport
import Testing
import TinyModel
import Tokenization

@testable import Decoder

/// Training sets in the forms that people have.
@Suite struct TrainingSetTests {
  static func read(_ text: String) throws -> TrainingSet {
    let folder = try TemporaryFolder()
    return try TrainingSet(file: folder.write(text, "set.jsonl"))
  }

  /// `system: s | user: q | assistant: a`
  static func written(_ messages: [ChatMessage]) -> String {
    messages.map { "\($0.role.rawValue): \($0.content)" }.joined(separator: " | ")
  }

  static let exchange = "user: q | assistant: a"

  @Test(arguments: [
    (#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#, exchange),
    (#"[[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]]"#, exchange),
    (#"[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]"#, exchange),
    (#"{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}"#, exchange),
    (
      #"{"system":"s","conversations":[{"from":"user","value":"q"},{"from":"model","value":"a"}]}"#,
      "system: s | \(exchange)"
    ),
    (
      #"{"conversations":[{"from":"system","value":"s"},{"from":"Human","value":"q"},{"from":"assistant","value":"a"}]}"#,
      "system: s | \(exchange)"
    ),
    (
      #"{"messages":[{"role":"developer","content":"s"},{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#,
      "system: s | \(exchange)"
    ),
    (
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":"!"}]},{"role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#,
      "user: q! | assistant: a"
    ),
    (#"[{"instruction":"q","input":"","output":"a"}]"#, exchange),
    (
      #"{"instruction":"q","context":"c","response":"a","category":"x"}"#,
      "user: q\n\nc | assistant: a"
    ),
    (#"{"question":"q","answer":"a"}"#, exchange), (#"{"prompt":"q","completion":"a"}"#, exchange),
    (#"{"prompt":"q","response":"a"}"#, exchange), (#"{"prompt":"q","output":"a"}"#, exchange),
    (#"{"input":"q","output":"a"}"#, exchange), (#"{"query":"q","answer":"a"}"#, exchange),
    (#"{"prompt":"q","completion":null,"response":"a"}"#, exchange),
    (#"{"system":"s","prompt":"q","response":"a"}"#, "system: s | \(exchange)"),
    (
      #"{"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]}"#,
      exchange
    ),
    (#"{"instructions":[{"instruction":"q","output":"a"}]}"#, exchange),
    (
      "{\n  \"data\": [\n    {\"prompt\": \"q\", \"response\": \"a\"}\n  ],\n  \"version\": 1\n}",
      exchange
    ),
    ("\u{FEFF}\r\n{\"prompt\":\"q\",\"response\":\"a\"}\r\n\r\n", exchange),
    ("[\r\n{\"prompt\":\"q\",\r\n\"response\":\"a\"}\r\n]", exchange),
  ])
  func formsAreRead(text: String, dialogue: String) throws {
    let set = try Self.read(text)
    #expect(set.dialogues.map { Self.written($0.messages) } == [dialogue])
    #expect(set.dialogues.allSatisfy { $0.rejected == nil })
  }

  @Test(arguments: [
    (#"{"prompt":"q","chosen":"a","rejected":"b"}"#, "user: q | assistant: b"),
    (
      #"{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}]}"#,
      "user: q | assistant: b"
    ),
  ])
  func pairsAreRead(text: String, rejected: String) throws {
    let dialogue = try #require(try Self.read(text).dialogues.first)
    #expect(Self.written(dialogue.messages) == Self.exchange)
    #expect(dialogue.rejected.map(Self.written) == rejected)
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func linesEndAsTheyDo(end: String) throws {
    let line = #"{"prompt":"q","response":"a"}"#
    let set = try Self.read([line, "", line, line, ""].joined(separator: end))
    #expect(set.dialogues.count == 3)
    let error = #expect(throws: TrainingError.self) {
      _ = try Self.read([line, "", "  ", #"{"prompt":"q"}"#].joined(separator: end))
    }
    #expect(error?.description.contains("line 4: expected") == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    ("", "found none"), ("{\"a\":1}", "line 1"), ("{\"prompt\":\"q\"}\n", "with \"prompt\""),
    ("[1, 2]", "entry 1"), ("hello", "line 1 is not JSON"), ("[\"a prompt\"]", "without a reply"),
    ("{\"instructions\":[\"a prompt\"]}", "without a reply"),
    (#"{"messages":"q"}"#, "list of messages"),
    (#"{"messages":[{"role":"tool","content":"q"}]}"#, "one of \"tool\""),
    (#"{"messages":[{"role":"user","content":null}]}"#, "one without a text"),
    (#"{"messages":[{"role":"user","content":7}]}"#, "the number 7"),
    (#"{"messages":[{"content":"q"}]}"#, "one without"),
    (
      #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}"#,
      "parts of text"
    ),
    (#"{"prompt":7,"response":"a"}"#, "a text in prompt"),
    (#"{"prompt":"q","chosen":"a","rejected":"a"}"#, "the same twice"),
    ("{\"prompt\":\"q\",\"response\":\"a\"}\n\n{oops", "line 3 is not JSON"),
  ])
  func otherFilesAreRefused(text: String, naming: String) throws {
    let error = #expect(throws: TrainingError.self) { _ = try Self.read(text) }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }

  private static func items(_ text: String, _ recipe: TrainingRecipe) throws -> TrainingItems {
    let folder = try TemporaryFolder()
    let model = try TrainerTests.model(in: folder)
    return try Self.read(text).items(
      format: ChatFormat(folder: model.checkpoint.folder),
      tokenizer: Tokenizer(folder: model.checkpoint.folder), recipe: recipe, shape: model.shape)
  }

  private static func line(question: Int, reply: Int) -> String {
    func text(_ count: Int) -> String { String(repeating: "x", count: count) }
    return "{\"prompt\":\"\(text(question))\",\"response\":\"\(text(reply))\"}"
  }

  @Test func whatACutTakesAwayIsCountedAndLeftOut() throws {
    var recipe = TrainingRecipe()
    recipe.truncates = true
    recipe.maxLength = 100
    let text = [(1, 1), (1, 300), (300, 1)].map { Self.line(question: $0, reply: $1) }
      .joined(separator: "\n")
    let items = try Self.items(text, recipe)
    #expect(items.items.count == 2)
    #expect(items.truncated == 2)
    #expect(items.leftOut == 1)
    #expect(
      items.note
        == "2 of 3 dialogues were cut to 100 tokens; 1 of them lost their reply and were left out")
    #expect(try Self.items(Self.line(question: 1, reply: 1), recipe).note == nil)
  }

  @Test func aSetOfWhichNothingIsLeftIsRefused() throws {
    var recipe = TrainingRecipe()
    recipe.truncates = true
    recipe.maxLength = 50
    let error = #expect(throws: TrainingError.self) {
      _ = try Self.items(Self.line(question: 300, reply: 1), recipe)
    }
    guard case .allTruncated(_, 50)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func pairsNeedTheirObjectiveAndDialoguesTheirs() throws {
    var recipe = TrainingRecipe()
    let pair = #"{"prompt":"q","chosen":"a","rejected":"b"}"#
    let error = #expect(throws: TrainingError.self) { _ = try Self.items(pair, recipe) }
    #expect(error?.description.contains("--objective preference") == true)
    recipe.objective = .preference
    #expect(try Self.items(pair, recipe).items.count == 1)
    let dialogue = Self.line(question: 1, reply: 1)
    #expect(throws: TrainingError.self) { _ = try Self.items(pair + "\n" + dialogue, recipe) }
  }
}
