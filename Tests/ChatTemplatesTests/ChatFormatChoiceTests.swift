import ChatTemplates
import Foundation
import ModelAccess
import Support
import TestSupport
import Testing
import TinyTokenizer
import Tokenization

/// Which template is taken, and what it is given.
@Suite struct ChatFormatChoiceTests {
  private typealias Tests = ChatFormatTests

  private static func named(_ name: String, _ tokenizer: Tokenizer) throws -> ChatFormat {
    try ChatFormat(NamedFormat(name), for: tokenizer)
  }

  // MARK: Named formats

  private static let preamble =
    "Below is an instruction that describes a task. Write a response that appropriately completes the "
    + "request.\n\n"

  /// User " Hi "; then system " Sys ", user " a ", assistant " b ", user "c".
  @Test(arguments: [
    (
      "chatml", "<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\n",
      "<|im_start|>system\n Sys <|im_end|>\n<|im_start|>user\n a <|im_end|>\n"
        + "<|im_start|>assistant\n b <|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
        + "<|im_start|>assistant\n"
    ),
    (
      "llama2", "<s>[INST] Hi [/INST]",
      "<s>[INST] <<SYS>>\n Sys \n<</SYS>>\n\n a [/INST] b </s><s>[INST] c [/INST]"
    ),
    (
      "mistral", "<s>[INST]  Hi  [/INST]",
      "<s>[INST]  Sys \n\n a  [/INST]  b </s>[INST] c [/INST]"
    ),
    (
      "gemma", "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n",
      "<s><start_of_turn>user\n Sys \n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n"
        + "<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n"
    ),
    (
      "alpaca", preamble + "### Instruction:\n Hi \n\n### Response:",
      " Sys \n\n### Instruction:\n a \n\n### Response:  b </s>\n\n### Instruction:\nc\n\n### Response:"
    ),
  ])
  func writesItsUsualWay(name: String, plain: String, turns: String) throws {
    let format = try Self.named(name, Tests.tokenizer())
    #expect(NamedFormat.names.contains(name))
    #expect(try format.render([Tests.user(" Hi ")]) == plain)
    let messages = [
      Tests.system(" Sys "), Tests.user(" a "), Tests.assistant(" b "), Tests.user("c"),
    ]
    #expect(try format.render(messages) == turns)
  }

  @Test func llama3WritesHeaders() throws {
    let file = TokenizerFixture.byteLevel(
      special: ["<s>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"])
    let tokenizer = try TokenizerFixture.tokenizer(
      file, beside: ["tokenizer_config.json": ["bos_token": "<s>"]])
    let text = try Self.named("llama3", tokenizer).render([Tests.system(" S "), Tests.user(" a ")])
    #expect(
      text
        == "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\n")
  }

  @Test(arguments: [
    (
      "gemma", [Tests.user("a"), Tests.user("b")], "message 1 is from the user, expected assistant"
    ),
    (
      "alpaca", [Tests.system("s"), Tests.user("a"), Tests.user("b")],
      "message 2 is from the user, expected assistant"
    ),
    ("llama2", [Tests.assistant("a")], "message 0 is from the assistant, expected user"),
    ("chatml", [Tests.user("a"), Tests.system("b")], "message 1 is a system message"),
    ("mistral", [Tests.user("a"), Tests.system("b")], "message 1 is a system message"),
  ])
  func refusesConversationsItCannotWrite(
    name: String, messages: [ChatMessage], says: String
  ) throws {
    let format = try Self.named(name, Tests.tokenizer())
    let error = Tests.failure { _ = try format.render(messages) }
    #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    #expect(error?.description.contains("the chat format \(name)") == true)
  }

  @Test func refusesUnknownNamesAndMissingMarkers() throws {
    #expect(throws: ChatFormatError.unknownName("vicuna")) { try NamedFormat("vicuna") }
    #expect(throws: ChatFormatError.missingToken(format: "llama3", token: "<|start_header_id|>")) {
      try Self.named("llama3", Tests.tokenizer())
    }
  }

  @Test(arguments: ["chatml", "llama2", "mistral", "gemma", "alpaca"])
  func writesTheBeginningOnce(name: String) throws {
    let tokenizer = try Tests.tokenizer(addsBeginning: true)
    let beginning = try #require(tokenizer.beginningOfSequenceID)
    // By name, the tokenizer's rule counts; Llama 2 writes the token itself.
    let ids = try Self.named(name, tokenizer).encode([Tests.user("Hi")], with: tokenizer)
    #expect(ids.first == beginning)
    #expect(ids.count { $0 == beginning } == 1)
  }

  // MARK: Templates

  @Test func aFileStandsInTheModelsPlace() throws {
    let text = try TokenizerFixture.withFolder([
      "tokenizer_config.json": ["bos_token": "<s>", "eos_token": "</s>"],
      "chat_template.jinja": "own", "other.jinja": "{{ bos_token }}{{ messages[0].content }}",
    ]) { folder in
      let source = try ChatFormatChoice.source(file: folder.appending(path: "other.jinja"))
      let choice = ChatFormatChoice(source)
      #expect(choice.settings?.file?.hasPrefix("sha256:") == true)
      return try choice.format(for: folder, with: Tests.tokenizer()).render([Tests.user("Hi")])
    }
    #expect(text == "<s>Hi")
  }

  @Test func filesThatAreNoTemplateAreRefused() throws {
    try TokenizerFixture.withFolder(["bad.jinja": "{% if a %}"]) { folder in
      for (name, says) in [("bad.jinja", "bad.jinja: line 1"), ("none.jinja", "expected a chat")] {
        let error = Tests.failure {
          _ = try ChatFormatChoice.source(file: folder.appending(path: name))
        }
        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
      }
    }
  }

  @Test func anotherFoldersTemplateServesWhereTheModelHasNone() throws {
    try TokenizerFixture.withFolder(["chat_template.jinja": "aligned"]) { aligned in
      try TokenizerFixture.withFolder([:]) { base in
        let error = Tests.failure {
          _ = try ChatFormatChoice().format(for: base, with: Tests.tokenizer())
        }
        guard case .noTemplate? = error else {
          Issue.record("\(String(describing: error))")
          return
        }
        #expect(error?.description.contains("--template FILE, or choose a chat format") == true)
        let choice = ChatFormatChoice().falling(backTo: aligned)
        let format = try choice.format(for: base, with: Tests.tokenizer())
        #expect(try format.render([Tests.user("")]) == "aligned")
        #expect(choice.settings == nil)
      }
    }
  }

  // MARK: Arguments

  @Test func argumentsAreValuesInJSON() throws {
    let template = "{{ a }}|{{ b }}|{{ c.d[1] }}|{{ e is none }}|{{ f }}"
    let format = try Tests.format(
      template, "a=false", "b=2.50", #"c={"d":[1,"x"]}"#, "e=null", #"f="low=er""#)
    #expect(try format.render([Tests.user("")]) == "False|2.5|x|True|low=er")
    // A request's own stand before them.
    var own = TemplateArguments()
    try own.add("a", .boolean(true))
    #expect(try format.with(own).render([Tests.user("")]).hasPrefix("True|2.5"))
  }

  @Test(arguments: [
    ("enable_thinking", "expected NAME=VALUE"), ("a=low", "read as JSON"), ("a=", "read as JSON"),
    ("a=False", "read as JSON"), ("=1", "letters, digits"), ("a-b=1", "letters, digits"),
    ("1a=1", "letters, digits"), ("messages=[]", "the conversation is given"),
    ("add_generation_prompt=true", "a field of its own"), ("tools=[]", "call none"),
    (#"chat_template="x""#, "--template FILE"), (#"a={"b":1,"b":2}"#, "\"b\" twice"),
  ])
  func whatIsNoArgumentIsRefused(text: String, says: String) {
    var arguments = TemplateArguments()
    let error = Tests.failure { try arguments.add(assignment: text) }
    #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    #expect(arguments.isEmpty)
  }

  @Test func anArgumentIsGivenOnceAndRead() throws {
    var arguments = TemplateArguments()
    try arguments.add(assignment: "a=1")
    let twice = Tests.failure { try arguments.add(assignment: "a=2") }
    #expect(twice?.description.contains("given twice") == true)
    let unread = Tests.failure { _ = try Tests.format("{{ b }}{{ c.a }}", "a=1") }
    guard case .unreadArgument(_, "a")? = unread else {
      Issue.record("\(String(describing: unread))")
      return
    }
    _ = try Tests.format("{% if a is defined %}{% endif %}", "a=1")
    _ = try Tests.format("{% macro m() %}{{ a }}{% endmacro %}", "a=1")
  }

  @Test func aPlanHoldsWhatIsUnusual() throws {
    #expect(ChatFormatChoice().settings == nil)
    var arguments = TemplateArguments()
    try arguments.add(assignment: "b=2")
    try arguments.add(assignment: "a=[1, 2]")
    let choice = ChatFormatChoice(
      .named(try NamedFormat("alpaca")), arguments: arguments, date: TemplateDate("2026-01-31"))
    #expect(choice.name == "alpaca")
    #expect(
      choice.settings == TemplateSettings(arguments: #"{"a":[1,2],"b":2}"#, date: "2026-01-31"))
  }
}
