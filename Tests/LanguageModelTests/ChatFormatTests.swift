import Chat
import Foundation
import TestSupport
import Testing

@testable import LanguageModel

@Suite struct ChatFormatTests {
  static let conversation = [
    ChatMessage(role: .user, content: "One"), ChatMessage(role: .assistant, content: "Two"),
    ChatMessage(role: .user, content: "Three"),
  ]
  static let system = ChatMessage(role: .system, content: "Be brief.")

  /// The texts that transformers renders with each family's published template.
  @Test(arguments: [
    (
      "chatml", false,
      "<|im_start|>user\nOne<|im_end|>\n<|im_start|>assistant\nTwo<|im_end|>\n"
        + "<|im_start|>user\nThree<|im_end|>\n<|im_start|>assistant\n"
    ),
    (
      "llama2", true,
      "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nOne [/INST] Two </s><s>[INST] Three [/INST]"
    ),
    (
      "llama3", true,
      "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\nOne<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\nTwo<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\nThree<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    ("mistral", false, "<s>[INST] One [/INST]Two</s>[INST] Three [/INST]"),
    (
      "gemma", false,
      "<bos><start_of_turn>user\nOne<end_of_turn>\n<start_of_turn>model\nTwo<end_of_turn>\n"
        + "<start_of_turn>user\nThree<end_of_turn>\n<start_of_turn>model\n"
    ),
    (
      "alpaca", true,
      "Be brief.\n\n### Instruction:\nOne\n\n### Response:\nTwo\n\n### Instruction:\nThree\n\n"
        + "### Response:\n"
    ),
  ])
  func rendersAsItsTemplate(name: String, hasSystem: Bool, expected: String) throws {
    let messages = (hasSystem ? [Self.system] : []) + Self.conversation
    #expect(try ChatFormat.named(name).render(messages, addGenerationPrompt: true) == expected)
  }

  @Test(arguments: [
    ("{{'<|im_start|>' + message['role'] }}", "chatml"),
    ("{{ '<|start_header_id|>' + message['role'] }}", "llama3"),
    ("{{ bos_token + '[INST] ' + '<<SYS>>' }}", "llama2"),
    ("{{ '[INST] ' + message['content'] + ' [/INST]' }}", "mistral"),
    ("{{ '<start_of_turn>' + role }}", "gemma"),
    ("{{ '### Instruction:' }}", "alpaca"),
  ])
  func recognisesTheTemplate(template: String, name: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(template, "chat_template.jinja")
    #expect(try ChatFormat.recognised(in: folder.url).name == name)
    let configured = try TemporaryFolder()
    let object: [String: Any] = ["chat_template": [["name": "default", "template": template]]]
    try configured.write(
      try JSONSerialization.data(withJSONObject: object), "tokenizer_config.json")
    #expect(try ChatFormat.recognised(in: configured.url).name == name)
  }

  @Test func anUnknownTemplateIsAnError() throws {
    let folder = try TemporaryFolder()
    #expect(throws: TokenizerError.noTemplate(folder: folder.url.path)) {
      _ = try ChatFormat.recognised(in: folder.url)
    }
    try folder.write("{{ 'USER: ' + content }}", "chat_template.jinja")
    #expect(throws: TokenizerError.unrecognisedTemplate(folder: folder.url.path)) {
      _ = try ChatFormat.recognised(in: folder.url)
    }
    #expect(throws: TokenizerError.unknownFormat(name: "vicuna")) {
      _ = try ChatFormat.named("vicuna")
    }
  }

  @Test func defaultSystemPromptsComeFromTheTemplate() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "{% if x %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif %}",
      "chat_template.jinja")
    let text = try ChatFormat.recognised(in: folder.url).render(
      [Self.conversation[0]], addGenerationPrompt: true)
    #expect(text.hasPrefix("<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nOne"))
    try folder.write(
      "{{ '<|start_header_id|>' }} Cutting Knowledge Date: December 2023 {{ '26 Jul 2024' }}",
      "chat_template.jinja")
    let dated = try ChatFormat.recognised(in: folder.url).render(
      [Self.system, Self.conversation[0]], addGenerationPrompt: true)
    #expect(
      dated.contains(
        "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\nBe brief.<|eot_id|>"))
  }

  @Test func impossibleConversationsAreRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "<start_of_turn> raise_exception('System role not supported')", "chat_template.jinja")
    let gemma = try ChatFormat.recognised(in: folder.url)
    #expect(throws: TokenizerError.self) {
      try gemma.render([Self.system, Self.conversation[0]], addGenerationPrompt: true)
    }
    #expect(throws: TokenizerError.self) {
      try ChatFormat.named("llama2").render(
        [Self.conversation[0], Self.conversation[0]], addGenerationPrompt: true)
    }
  }
}
