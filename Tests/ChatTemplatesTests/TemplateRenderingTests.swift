import ChatTemplates
import Foundation
import Jinja
import ModelAccess
import Support
import TestSupport
import Testing
import TinyTokenizer

/// A model's own template, from the files of its folder to the pieces of a conversation.
@Suite struct TemplateRenderingTests {
  static let template = """
    {{ bos_token }}{% for message in messages %}[{{ message.role }}] {{ message.content | trim }}
    {% if message.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}
    {% if add_generation_prompt %}[assistant]{% endif %}
    """

  static let conversation = [
    ChatMessage(role: .user, content: " Hi <s> "), ChatMessage(role: .assistant, content: "Yo"),
  ]

  static var tokens: [String: Any] {
    [
      "bos_token": "<s>", "eos_token": ["content": "</s>", "lstrip": false],
      "extra_special_tokens": ["image_token": "<image>"],
    ]
  }

  /// What a folder of these files makes of `conversation`.
  static func rendered(
    _ files: [String: Any], named name: String? = nil
  ) throws -> Rendering {
    try TokenizerFixture.withFolder(files) { folder in
      try TemplateRendering(folder: folder, named: name)
        .render(conversation, addsGenerationPrompt: true)
    }
  }

  @Test func piecesTellTheTemplateFromTheConversation() throws {
    let rendering = try Self.rendered([
      "chat_template.jinja": Self.template, "tokenizer_config.json": Self.tokens,
    ])
    #expect(
      rendering.pieces == [
        Rendering.Piece("<s>[user] ", .template), Rendering.Piece("Hi <s>", .element(0)),
        Rendering.Piece("\n[assistant] ", .template), Rendering.Piece("Yo", .element(1)),
        Rendering.Piece("\n</s>[assistant]", .template),
      ])
  }

  @Test func templatesAreFoundWhereTheyStand() throws {
    let named: [[String: String]] = [
      ["name": "default", "template": "a"], ["name": "tool_use", "template": "b"],
    ]
    var configuration = Self.tokens
    configuration["chat_template"] = named
    #expect(try Self.rendered(["tokenizer_config.json": configuration]).text == "a")
    #expect(
      try Self.rendered(["tokenizer_config.json": configuration], named: "tool_use").text == "b")
    configuration["chat_template"] = "{{ image_token }}{{ unk_token is defined }}"
    #expect(try Self.rendered(["tokenizer_config.json": configuration]).text == "<image>False")
    #expect(
      try Self.rendered([
        "tokenizer_config.json": configuration, "chat_template.jinja": "file",
      ]).text == "file")
    let twoFolders: [String: Any] = ["chat_template.jinja": "usual"]
    let text = try TokenizerFixture.withFolder(twoFolders) { folder in
      let further = folder.appending(path: "additional_chat_templates")
      try FileManager.default.createDirectory(at: further, withIntermediateDirectories: true)
      try Data("further".utf8).write(to: further.appending(path: "rag.jinja"))
      return try ["rag", nil].map {
        try TemplateRendering(folder: folder, named: $0)
          .render(Self.conversation, addsGenerationPrompt: false).text
      }
    }
    #expect(text == ["further", "usual"])
  }

  /// Tokens of a model's own names, and those that older folders keep in a file of their own.
  @Test func specialTokensAreFoundWhereTheyStand() throws {
    let template = "{{ bos_token }}{{ audio_token }}{{ unk_token is defined }}"
    var files: [String: Any] = [
      "chat_template.jinja": template,
      "tokenizer_config.json": [
        "bos_token": "<s>", "audio_token": "<audio>", "add_bos_token": true,
      ],
    ]
    #expect(try Self.rendered(files).text == "<s><audio>False")
    files["special_tokens_map.json"] = ["bos_token": ["content": "<b>"], "unk_token": "<unk>"]
    #expect(try Self.rendered(files).text == "<b><audio>True")
    files["tokenizer_config.json"] = [
      "bos_token": "<s>", "audio_token": "<audio>", "added_tokens_decoder": [String: String](),
    ]
    #expect(try Self.rendered(files).text == "<s><audio>False")
  }

  @Test(arguments: [
    ([:] as [String: String], "no chat template"),
    (["chat_template.jinja": "{% if %}"], "chat_template.jinja: line 1, column 7: expected"),
    (
      ["chat_template.jinja": "{{ raise_exception('Roles must alternate') }}"],
      "the template refuses at line 1, column 19: Roles must alternate"
    ),
    (["tokenizer_config.json": #"{"chat_template": [{"name": "a"}]}"#], "a template"),
    (["tokenizer_config.json": "{"], "tokenizer_config.json"),
  ])
  func refusesInSentences(_ files: [String: String], _ expected: String) throws {
    let error = #expect(throws: ChatFormatError.self) { try Self.rendered(files) }
    #expect(try #require(error).description.contains(expected))
  }

  static let golden = "golden/chat-templates"

  @Test(
    "Conversations are written as transformers writes them",
    .enabled(if: SharedMaterial.has(golden), "needs shared/golden/chat-templates"),
    arguments: [
      "chujie-oneline__llama-3-instruct", "chujie-oneline__chatml", "llamacpp__Kimi-K3",
      "llamacpp__openai-gpt-oss-120b", "llamacpp__google-gemma-4-31B-it",
    ])
  func writesAsTransformers(_ name: String) throws {
    let folder = SharedMaterial.folder.appending(path: Self.golden)
    let source = try String(
      contentsOf: folder.appending(path: "\(name).jinja"), encoding: .utf8)
    let golden = try Self.json(folder.appending(path: "\(name).json"))
    let conversations = try Self.json(folder.appending(path: "conversations.json"))
    let rendering = try TemplateRendering(
      source: source, file: name,
      specialTokens: [
        "bos_token": golden["bos_token"]?.text ?? "", "eos_token": golden["eos_token"]?.text ?? "",
      ])
    for (key, messages) in try #require(conversations.members).map({ ($0.key, $0.value) }) {
      let conversation = try #require(messages.elements).map {
        ChatMessage(
          role: try #require(ChatMessage.Role(rawValue: $0["role"]?.text ?? "")),
          content: $0["content"]?.text ?? "")
      }
      let expected = golden["rendered"]?[key + "+"]
      do throws(ChatFormatError) {
        let text = try rendering.render(
          conversation, addsGenerationPrompt: true
        ).text
        #expect(text == expected?.text, "\(key)")
      } catch {
        guard case .template(_, let refusal) = error else { throw error }
        #expect(refusal.message == expected?["error"]?.text, "\(key)")
      }
    }
  }

  static func json(_ url: URL) throws -> JSONNode {
    try JSONNode(parsing: Array(try Data(contentsOf: url)))
  }
}
