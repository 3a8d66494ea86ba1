import ChatTemplates
import Foundation
import ModelAccess
import Testing
import TinyTokenizer
import Tokenization

/// Templates written for these tests, and what Jinja makes of them for three conversations.
@Suite struct ChatFormatTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var format: String
    var template: String
    /// User " Hi ".
    var plain: String?
    /// System "Be terse.", user "Hi".
    var system: String?
    /// System " Sys ", user "a", assistant " b ", user "c".
    var turns: String?

    var testDescription: String { "\(format): \(plain ?? "")" }
  }

  static func user(_ text: String) -> ChatMessage { ChatMessage(role: .user, content: text) }
  static func assistant(_ text: String) -> ChatMessage {
    ChatMessage(role: .assistant, content: text)
  }
  static func system(_ text: String) -> ChatMessage { ChatMessage(role: .system, content: text) }

  static func recognised(_ template: String) throws -> ChatFormat {
    try TokenizerFixture.withFolder([
      "tokenizer_config.json": ["bos_token": "<s>", "eos_token": "</s>"],
      "chat_template.jinja": template,
    ]) { try ChatFormat.recognised(in: $0) }
  }

  static func failure(_ body: () throws -> Void) -> ChatFormatError? {
    do { try body() } catch { return error as? ChatFormatError }
    return nil
  }

  @Test(arguments: examples)
  func writesWhatTheTemplateWould(example: Example) throws {
    let format = try Self.recognised(example.template)
    #expect(format.name == example.format)
    let conversations = [
      ([Self.user(" Hi ")], example.plain),
      ([Self.system("Be terse."), Self.user("Hi")], example.system),
      (
        [Self.system(" Sys "), Self.user("a"), Self.assistant(" b "), Self.user("c")],
        example.turns
      ),
    ]
    for (messages, expected) in conversations {
      if let expected {
        #expect(try format.render(messages) == expected)
      } else {
        #expect(throws: ChatFormatError.systemNotSupported(format: example.format)) {
          try format.render(messages)
        }
      }
    }
  }

  static let examples: [Example] = [
    Example(
      format: "chatml",
      template: #"""
        {% for m in messages %}
        {% if loop.first and m.role != 'system' %}
        {{- '<|im_start|>system\nBe kind.<|im_end|>\n' -}}
        {% endif %}
        {{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' -}}
        {% endfor %}
        {% if add_generation_prompt %}
        {{- '<|im_start|>assistant\n' -}}
        {% endif %}
        """#,
      plain: """
        <|im_start|>system
        Be kind.<|im_end|>
        <|im_start|>user
         Hi <|im_end|>
        <|im_start|>assistant

        """,
      system: """
        <|im_start|>system
        Be terse.<|im_end|>
        <|im_start|>user
        Hi<|im_end|>
        <|im_start|>assistant

        """,
      turns: """
        <|im_start|>system
         Sys <|im_end|>
        <|im_start|>user
        a<|im_end|>
        <|im_start|>assistant
         b <|im_end|>
        <|im_start|>user
        c<|im_end|>
        <|im_start|>assistant

        """),
    Example(
      format: "llama3",
      template: #"""
        {{- bos_token -}}
        {% for m in messages %}
        {{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim
          + '<|eot_id|>' -}}
        {% endfor %}
        {% if add_generation_prompt %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
        {% endif %}
        """#,
      plain: """
        <s><|start_header_id|>user<|end_header_id|>

        Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>


        """,
      system: """
        <s><|start_header_id|>system<|end_header_id|>

        Be terse.<|eot_id|><|start_header_id|>user<|end_header_id|>

        Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>


        """,
      turns: """
        <s><|start_header_id|>system<|end_header_id|>

        Sys<|eot_id|><|start_header_id|>user<|end_header_id|>

        a<|eot_id|><|start_header_id|>assistant<|end_header_id|>

        b<|eot_id|><|start_header_id|>user<|end_header_id|>

        c<|eot_id|><|start_header_id|>assistant<|end_header_id|>


        """),
    Example(
      format: "llama3",
      template: #"""
        {{- bos_token -}}
        {% if strftime_now is defined %}
        {% set date_string = strftime_now('%d %b %Y') %}
        {% else %}
        {% set date_string = '1 Jan 2025' %}
        {% endif %}
        {% if messages[0].role == 'system' %}
        {% set system_message = messages[0].content | trim %}
        {% set rest = messages[1:] %}
        {% else %}
        {% set system_message = '' %}
        {% set rest = messages %}
        {% endif %}
        {{- '<|start_header_id|>system<|end_header_id|>\n\n' -}}
        {% if tools %}
        {{- 'Environment: ipython\n' -}}
        {% endif %}
        {{- 'Cutting Knowledge Date: May 2024\n' -}}
        {{- 'Today Date: ' + date_string + '\n\n' -}}
        {{- system_message -}}
        {{- '<|eot_id|>' -}}
        {% for m in rest %}
        {{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim
          + '<|eot_id|>' -}}
        {% endfor %}
        {% if add_generation_prompt %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
        {% endif %}
        """#,
      plain: """
        <s><|start_header_id|>system<|end_header_id|>

        Cutting Knowledge Date: May 2024
        Today Date: 1 Jan 2025

        <|eot_id|><|start_header_id|>user<|end_header_id|>

        Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>


        """,
      system: """
        <s><|start_header_id|>system<|end_header_id|>

        Cutting Knowledge Date: May 2024
        Today Date: 1 Jan 2025

        Be terse.<|eot_id|><|start_header_id|>user<|end_header_id|>

        Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>


        """,
      turns: """
        <s><|start_header_id|>system<|end_header_id|>

        Cutting Knowledge Date: May 2024
        Today Date: 1 Jan 2025

        Sys<|eot_id|><|start_header_id|>user<|end_header_id|>

        a<|eot_id|><|start_header_id|>assistant<|end_header_id|>

        b<|eot_id|><|start_header_id|>user<|end_header_id|>

        c<|eot_id|><|start_header_id|>assistant<|end_header_id|>


        """),
    Example(
      format: "gemma",
      template: #"""
        {{- bos_token -}}
        {% if messages[0].role == 'system' %}
        {% set opening = messages[0].content + '\n\n' %}
        {% set rest = messages[1:] %}
        {% else %}
        {% set opening = '' %}
        {% set rest = messages %}
        {% endif %}
        {% for m in rest %}
        {% if m.role == 'assistant' %}
        {% set role = 'model' %}
        {% else %}
        {% set role = m.role %}
        {% endif %}
        {{- '<start_of_turn>' + role + '\n' + (opening if loop.first else '') -}}
        {{- m.content | trim + '<end_of_turn>\n' -}}
        {% endfor %}
        {% if add_generation_prompt %}
        {{- '<start_of_turn>model\n' -}}
        {% endif %}
        """#,
      plain: """
        <s><start_of_turn>user
        Hi<end_of_turn>
        <start_of_turn>model

        """,
      system: """
        <s><start_of_turn>user
        Be terse.

        Hi<end_of_turn>
        <start_of_turn>model

        """,
      turns: """
        <s><start_of_turn>user
         Sys 

        a<end_of_turn>
        <start_of_turn>model
        b<end_of_turn>
        <start_of_turn>user
        c<end_of_turn>
        <start_of_turn>model

        """),
    Example(
      format: "gemma",
      template: #"""
        {{- bos_token -}}
        {% if messages[0].role == 'system' %}
        {{- raise_exception('no system role') -}}
        {% endif %}
        {% for m in messages %}
        {% if m.role == 'assistant' %}
        {% set role = 'model' %}
        {% else %}
        {% set role = m.role %}
        {% endif %}
        {{- '<start_of_turn>' + role + '\n' + m.content | trim + '<end_of_turn>\n' -}}
        {% endfor %}
        {% if add_generation_prompt %}
        {{- '<start_of_turn>model\n' -}}
        {% endif %}
        """#,
      plain: """
        <s><start_of_turn>user
        Hi<end_of_turn>
        <start_of_turn>model

        """,
      system: nil,
      turns: nil),
    Example(
      format: "llama2",
      template: #"""
        {% if messages[0].role == 'system' %}
        {% set rest = messages[1:] %}
        {% set system_message = messages[0].content %}
        {% else %}
        {% set rest = messages %}
        {% set system_message = false %}
        {% endif %}
        {% for m in rest %}
        {% if loop.first and system_message %}
        {% set content = '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + m.content %}
        {% else %}
        {% set content = m.content %}
        {% endif %}
        {% if m.role == 'user' %}
        {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' -}}
        {% else %}
        {{- ' ' + content.strip() + ' ' + eos_token -}}
        {% endif %}
        {% endfor %}
        """#,
      plain: """
        <s>[INST] Hi [/INST]
        """,
      system: """
        <s>[INST] <<SYS>>
        Be terse.
        <</SYS>>

        Hi [/INST]
        """,
      turns: """
        <s>[INST] <<SYS>>
         Sys 
        <</SYS>>

        a [/INST] b </s><s>[INST] c [/INST]
        """),
    Example(
      format: "mistral",
      template: #"""
        {{- bos_token -}}
        {% for m in messages %}
        {% if m.role == 'user' %}
        {{- '[INST] ' + m.content + ' [/INST]' -}}
        {% elif m.role == 'assistant' %}
        {{- m.content + eos_token -}}
        {% else %}
        {{- raise_exception('only user and assistant') -}}
        {% endif %}
        {% endfor %}
        """#,
      plain: """
        <s>[INST]  Hi  [/INST]
        """,
      system: nil,
      turns: nil),
    Example(
      format: "mistral",
      template: #"""
        {% if messages[0].role == 'system' %}
        {% set system_message = messages[0].content %}
        {% set rest = messages[1:] %}
        {% else %}
        {% set rest = messages %}
        {% endif %}
        {{- bos_token -}}
        {% for m in rest %}
        {% if m.role == 'user' %}
        {% if loop.last and system_message is defined %}
        {{- '[INST]' + system_message + '\n\n' + m.content + '[/INST]' -}}
        {% else %}
        {{- '[INST]' + m.content + '[/INST]' -}}
        {% endif %}
        {% else %}
        {{- ' ' + m.content | trim + eos_token -}}
        {% endif %}
        {% endfor %}
        """#,
      plain: """
        <s>[INST] Hi [/INST]
        """,
      system: """
        <s>[INST]Be terse.

        Hi[/INST]
        """,
      turns: """
        <s>[INST]a[/INST] b</s>[INST] Sys 

        c[/INST]
        """),
    Example(
      format: "alpaca",
      template: #"""
        {% if messages[0].role == 'system' %}
        {% set system_message = messages[0].content %}
        {% set rest = messages[1:] %}
        {% else %}
        {% set system_message = 'Do as told.' %}
        {% set rest = messages %}
        {% endif %}
        {{- system_message + '\n\n' -}}
        {% for m in rest %}
        {% if m.role == 'user' %}
        {{- '### Instruction:\n' + m.content + '\n\n### Response:\n' -}}
        {% else %}
        {{- m.content + eos_token + '\n\n' -}}
        {% endif %}
        {% endfor %}
        """#,
      plain: """
        Do as told.

        ### Instruction:
         Hi 

        ### Response:

        """,
      system: """
        Be terse.

        ### Instruction:
        Hi

        ### Response:

        """,
      turns: """
         Sys 

        ### Instruction:
        a

        ### Response:
         b </s>

        ### Instruction:
        c

        ### Response:

        """),
  ]
}
