import Foundation
import ModelAccess
import Support
import TestSupport
import Testing

@testable import PromptSets

/// Files of replies in the forms in which others keep them.
@Suite struct ReplyFileTests {
  static func read(_ text: String, _ name: String = "replies.jsonl") throws -> ReplyFile {
    let folder = try TemporaryFolder()
    return try ReplyFile(folder.write(text, name))
  }

  /// Lines whose prompt is "How?" and reply "So.".
  @Test(arguments: [
    #"{"prompt":"How?","response":"So."}"#, #"{"prompt":"How?","completion":"So."}"#,
    #"{"question":"How?","generation":"So."}"#, #"{"input":"How?","output":"So."}"#,
    #"{"instruction":"How?","input":"","output":"So."}"#, #"{"query":"How?","reply":"So."}"#,
    #"{"forbidden_prompt":"How?","response":"So."}"#, #"{"goal":"How?","model_output":"So."}"#,
    #"{"prompt":"How?","response":["So."]}"#,
    #"{"prompt":"How?","response":{"role":"assistant","content":"So."}}"#,
    #"{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"How?"}],"response":"So."}"#,
    #"{"messages":[{"role":"user","content":"How?"},{"role":"assistant","content":"So."}]}"#,
    #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":"How?"}]},{"role":"assistant","content":"So."}]}"#,
    #"{"messages":[{"role":"user","content":"How?"}],"response":"So."}"#,
    #"{"conversation":[{"from":"human","value":"How?"},{"from":"gpt","value":"So."}]}"#,
  ])
  func linesAreReadByTheNamesOfTheirFields(line: String) throws {
    for text in [line, "\u{FEFF}\(line)\n", "\n\(line)\n\n\(line)", "[\(line),\(line)]"] {
      let file = try Self.read(text)
      #expect(file.form == .records)
      for record in file.records {
        #expect(record.prompt == "How?" && record.reply == "So.", "\(text)")
      }
    }
  }

  @Test func whatElseIsKnownIsKept() throws {
    let file = try Self.read(
      #"{"id":7,"prompt":"p","response":"r","category":"c","reference":42,"kind":"benign","sample":1,"finish_reason":"stop","prompt_tokens":3,"completion_tokens":4,"reasoning":"t"}"#
        + "\n" + #"{"id":"x","prompt":"p","response":"","error":"timeout: no answer"}"#)
    let (first, second) = (file.records[0], file.records[1])
    #expect(first.id == "7" && first.category == "c" && first.reference == "42")
    #expect(first.kind == .benign && first.number == 1 && first.finishReason == "stop")
    #expect(first.promptTokens == 3 && first.completionTokens == 4 && first.reasoning == "t")
    #expect(second.reply == nil && second.failure == "timeout: no answer")
  }

  static let inspect = """
    {"version": 2, "status": "success", "eval": {"task": "t", "model": "openai/gpt-x"},
     "samples": [
      {"id": "a", "epoch": 1, "input": "How?", "target": ["12", "13"], "metadata": {"category": "c"},
       "output": {"model": "m", "choices": [{"message": {"role": "assistant", "content": [
          {"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "So."}]},
          "stop_reason": "stop"}], "usage": {"input_tokens": 5, "output_tokens": 2}}},
      {"id": 2, "epoch": 1, "input": [{"role": "system", "content": "s"},
         {"role": "user", "content": "attachment://k"}], "target": "",
       "attachments": {"k": "What?"}, "output": {"choices": [], "completion": "That."}},
      {"id": 3, "epoch": 2, "input": "Why?", "target": "", "error": {"message": "it broke"},
       "output": {"choices": [], "completion": ""}}]}
    """

  @Test func inspectLogsAreRead() throws {
    for text in [Self.inspect, Self.inspect.replacing("\n", with: "")] {
      let file = try Self.read(text, "log.json")
      #expect(file.form == .inspect && file.model == "openai/gpt-x")
      #expect(file.records.map(\.id) == ["a", "2", "3"])
      #expect(file.records.map(\.prompt) == ["How?", "What?", "Why?"])
      #expect(file.records.map(\.reply) == ["So.", "That.", nil])
      #expect(file.records.map(\.number) == [0, 0, 1])
      #expect(file.records.map(\.reference) == ["12", nil, nil])
      #expect(file.records[0].reasoning == "hm" && file.records[0].category == "c")
      #expect(file.records[0].completionTokens == 2)
      #expect(file.records[2].failure == "it broke")
    }
  }

  @Test func artifactsOfJailbreakBenchAreReadByTheirGoals() throws {
    let file = try Self.read(
      """
      {"parameters": {"method": "M", "model": "vicuna"}, "jailbreaks": [
       {"index": 0, "goal": "Do it", "behavior": "B", "category": "C", "prompt": "dressed up",
        "response": "I cannot.", "jailbroken": false, "response_tokens": 4},
       {"index": 1, "goal": "Do that", "category": "C", "prompt": null, "response": null}]}
      """, "artifact.json")
    #expect(file.form == .jailbreakBench && file.model == "vicuna")
    #expect(file.records.map(\.id) == ["jbb-0", "jbb-1"])
    #expect(file.records.map(\.prompt) == ["Do it", "Do that"])
    #expect(file.records.map(\.reply) == ["I cannot.", nil])
    #expect(file.records.allSatisfy { $0.kind == .harmful && $0.category == "C" })
  }

  @Test func completionsOfHarmBenchAreRead() throws {
    let file = try Self.read(
      """
      {"behaviour_one": [{"test_case": "one", "generation": "I cannot."},
                         {"test_case": "one, please", "generation": "No."}],
       "behaviour_two": [{"test_case": ["picture.png", "two"], "generation": "Sorry.", "label": 0}]}
      """, "completions.json")
    #expect(file.form == .harmBench)
    #expect(file.records.map(\.id) == ["behaviour_one", "behaviour_one", "behaviour_two"])
    #expect(file.records.map(\.prompt) == ["one", "one, please", "two"])
    #expect(file.records.map(\.reply) == ["I cannot.", "No.", "Sorry."])
  }

  @Test func samplesOfLMEvalAreRead() throws {
    func line(_ id: Int, _ filter: String, _ prompt: String) -> String {
      #"{"doc_id":\#(id),"doc":{"question":"q"},"target":"42","arguments":{"gen_args_0":{"arg_0":\#(prompt),"arg_1":{"until":["x"]}}},"resps":[["It is 42.","41"]],"filtered_resps":["42"],"filter":"\#(filter)"}"#
    }
    let chat = #""[{\"role\": \"user\", \"content\": \"Count!\"}]""#
    let file = try Self.read(
      [
        line(0, "strict", "\"Question: q\""), line(1, "strict", chat),
        line(0, "flexible", "\"Question: q\""),
      ].joined(separator: "\n") + "\n")
    #expect(file.form == .lmEval)
    #expect(file.records.map(\.id) == ["0", "0", "1", "1"])
    #expect(file.records.map(\.prompt) == ["Question: q", "Question: q", "Count!", "Count!"])
    #expect(file.records.map(\.reply) == ["It is 42.", "41", "It is 42.", "41"])
    #expect(file.records.map(\.number) == [0, 1, 0, 1])
    #expect(file.records.allSatisfy { $0.reference == "42" })
  }

  @Test(arguments: [
    ("", "expected at least one reply, found none"), ("\n \n", "expected at least one reply"),
    ("hello", "text that is not JSON"), ("PK\u{3}\u{4}x", "inspect log convert --to json"),
    ("{}", "expected replies in a form that is known"), ("[]", "in a form that is known"),
    (#"{"prompt":"p"}"#, "an object with prompt"), (#"["a","b"]"#, "in a form that is known"),
    (#"{"prompt":"p","response":"r"}"# + "\n{\"prompt\":\"p\"}\n", "line 2: expected an object"),
    (#"{"prompt":"p","response":"r"}"# + "\nnonsense", "line 2: expected JSON"),
    (#"{"prompt":5,"response":"r"}"#, "line 1: expected an object with a prompt"),
    (#"{"messages":[{"role":"user","content":"p"}]}"#, "line 1: expected an object with a prompt"),
    (
      #"{"cell":"a","id":"1","prompt":"p","response":"r"}"# + "\n"
        + #"{"cell":"b","id":"1","prompt":"p","response":"r"}"#, "loxeval rejudge"
    ),
    (
      #"{"doc_id":0,"arguments":{"gen_args_0":{"arg_0":"p"}},"resps":[[["-1.5","False"]]]}"#,
      "not of log-likelihoods"
    ),
    (#"{"a":[{"generation":"x"}]}"#, "entry 1: expected a test_case that is a text, of a"),
    (
      #"{"eval":{},"status":"success","samples":[{"input":5}]}"#,
      "entry 1: expected an input that is a text"
    ),
    (#"{"eval":{},"status":"error"}"#, "expected at least one reply"),
  ])
  func whatIsNoneOfTheseIsRefused(text: String, word: String) throws {
    let error = #expect(throws: FileError.self) { try Self.read(text) }
    #expect("\(error!)".contains(word), "\(error!)")
  }
}

@Suite struct RecordedSetTests {
  static func source(_ text: String, _ name: String = "replies") throws -> RecordedSet.Source {
    let folder = try TemporaryFolder()
    return try RecordedSet.Source(folder.write(text, "file.jsonl"), name: name)
  }

  static func line(_ prompt: String, _ reply: String, _ more: String = "") -> String {
    "{\"prompt\":\"\(prompt)\",\"response\":\"\(reply)\"\(more)}\n"
  }

  @Test func theOrderOfLinesChangesNothing() throws {
    let lines = (0..<5).map { Self.line("p\($0)", "r\($0)") }
    let first = try RecordedSet(Self.source(lines.joined()), limit: nil)
    let second = try RecordedSet(Self.source(lines.reversed().joined()), limit: nil)
    #expect(first.set.digest == second.set.digest)
    #expect(Set(first.set.prompts) == Set(second.set.prompts))
    #expect(first.digest != second.digest)
    let id = first.set.prompts[0].id
    #expect(first.reply(to: id, number: 0)?.reply == "r0")
    #expect(first.reply(to: id, number: 1) == nil)
    #expect(try RecordedSet(Self.source(lines.joined()), limit: 2).set.prompts.count == 2)
  }

  @Test func repliesToOnePromptAreItsSamples() throws {
    let text = (0..<3).flatMap { n in (0..<2).map { Self.line("p\($0)", "r\($0)-\(n)") } }.joined()
    let found = try RecordedSet(Self.source(text), limit: nil)
    #expect(found.samples == 3 && found.set.prompts.count == 2)
    #expect(found.reply(to: found.set.prompts[1].id, number: 2)?.reply == "r1-2")
    let error = #expect(throws: FileError.self) {
      try RecordedSet(Self.source(text + Self.line("p0", "again")), limit: nil)
    }
    #expect("\(error!)".contains("expected as many replies to each prompt"), "\(error!)")
  }

  @Test func numberedRepliesStandInTheirOrderAndFailedOnesAreReplaced() throws {
    let text =
      Self.line("p", "b", ",\"id\":\"x\",\"sample\":1")
      + Self.line("p", "", ",\"id\":\"x\",\"sample\":0,\"error\":\"timeout\"")
      + Self.line("p", "a", ",\"id\":\"x\",\"sample\":0")
    let found = try RecordedSet(Self.source(text), limit: nil)
    #expect((0..<2).map { found.reply(to: "x", number: $0)?.reply } == ["a", "b"])
    #expect(throws: FileError.self) {
      try RecordedSet(
        Self.source(text + Self.line("p", "c", ",\"id\":\"x\",\"sample\":0")), limit: nil)
    }
  }

  @Test func severalQuestionsUnderOneIdAreTold() throws {
    let text = Self.line("one", "r", ",\"id\":\"b\"") + Self.line("two", "s", ",\"id\":\"b\"")
    #expect(try RecordedSet(Self.source(text), limit: nil).set.prompts.map(\.id) == ["b", "b#2"])
  }

  @Test(arguments: [
    ("advbench", "", PromptKind.harmful), ("xstest-replies", "", .benign),
    ("advbench", ",\"kind\":\"benign\"", .benign),
  ])
  func theKindIsSaidOrFollowsFromTheName(name: String, more: String, kind: PromptKind) throws {
    #expect(
      try RecordedSet(Self.source(Self.line("p", "r", more), name), limit: nil).set.kind == kind)
    #expect(throws: FileError.self) {
      try RecordedSet(
        Self.source(
          Self.line("p", "r", ",\"kind\":\"benign\"") + Self.line("q", "r", ",\"kind\":\"harmful\"")
        ),
        limit: nil)
    }
  }

  @Test func repliesBelongToPromptsOfDataSets() throws {
    let sets = [
      PromptSet(
        name: "one", kind: .benign,
        prompts: [
          Prompt(id: "o1", category: "c", prompt: "first", reference: "1"),
          Prompt(id: "o2", category: "c", prompt: "second"),
        ], digest: "sha256:one"),
      PromptSet(
        name: "two", kind: .harmful, prompts: [Prompt(id: "t1", category: "c", prompt: "third")],
        digest: "sha256:two"),
    ]
    // By its text, whatever its id; by its id, whatever was asked.
    let text =
      Self.line(" first\\n", "a", ",\"id\":\"t1\"") + Self.line("dressed up", "b", ",\"id\":\"t1\"")
    let found = try RecordedSet.read(Self.source(text), of: sets, limit: nil)
    #expect(found.map(\.set.name) == ["one", "two"])
    #expect(found.map(\.set.digest) == ["sha256:one", "sha256:two"])
    #expect(found[0].set.prompts.map(\.id) == ["o1"] && found[0].unanswered == 1)
    #expect(found[1].set.prompts[0].prompt == "third")
    #expect(found[1].reply(to: "t1", number: 0)?.reply == "b")
    let error = #expect(throws: FileError.self) {
      try RecordedSet.read(Self.source(Self.line("other", "x")), of: sets, limit: nil)
    }
    #expect("\(error!)".contains("line 1: expected a prompt of one, two"), "\(error!)")
  }
}
