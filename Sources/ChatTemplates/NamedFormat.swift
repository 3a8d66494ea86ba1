/// The usual way of a family of models to write conversations, for models without a template: a template
/// of our own.
package struct NamedFormat: Hashable, Sendable {
  package let name: String
  /// Texts that must be tokens of the model.
  let markers: [String]
  private let turns: String
  /// Whether user and assistant must take turns, user first.
  private let alternates: Bool

  package static let all = [chatML, llama2, llama3, mistral, gemma, alpaca]

  package static var names: [String] { all.map(\.name) }

  /// - Throws: `ChatFormatError.unknownName`.
  package init(_ name: String) throws(ChatFormatError) {
    guard let format = Self.all.first(where: { $0.name == name }) else { throw .unknownName(name) }
    self = format
  }

  private init(name: String, markers: [String] = [], alternates: Bool = true, turns: String) {
    (self.name, self.markers, self.alternates, self.turns) = (name, markers, alternates, turns)
  }

  /// The template: `system` holds the system message or none, `turns` what follows.
  var source: String {
    Self.opening + (alternates ? Self.alternation : "") + turns
  }

  private static let opening = #"""
    {% if messages and messages[0].role == 'system' %}
    {% set system = messages[0].content %}
    {% set turns = messages[1:] %}
    {% else %}
    {% set system = none %}
    {% set turns = messages %}
    {% endif %}
    {% for message in messages %}
    {% if message.role == 'system' and not loop.first %}
    {{- raise_exception('message ' ~ loop.index0 ~ ' is a system message, expected only at the start') -}}
    {% endif %}
    {% endfor %}

    """#

  private static let alternation = #"""
    {% for message in turns %}
    {% set expected = 'user' if loop.index is odd else 'assistant' %}
    {% if message.role != expected %}
    {{- raise_exception('message ' ~ (loop.index0 + messages | length - turns | length) ~ ' is from the '
      ~ message.role ~ ', expected ' ~ expected ~ ': user and assistant take turns') -}}
    {% endif %}
    {% endfor %}

    """#

  /// ChatML: SmolLM2, Qwen 2, OpenHermes.
  static let chatML = NamedFormat(
    name: "chatml", markers: ["<|im_start|>", "<|im_end|>"], alternates: false,
    turns: #"""
      {% for message in messages %}
      {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
      {% endfor %}
      {% if add_generation_prompt %}
      {{- '<|im_start|>assistant\n' -}}
      {% endif %}
      """#)

  /// Llama 2. `[INST]` is no token there but plain text, so that no format can keep a prompt from imitating
  /// a turn; only the tokens around turns are out of a prompt's reach.
  static let llama2 = NamedFormat(
    name: "llama2",
    turns: #"""
      {% for message in turns %}
      {% if message.role == 'user' %}
      {% if loop.first and system is not none %}
      {% set text = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + message.content %}
      {% else %}
      {% set text = message.content %}
      {% endif %}
      {{- bos_token + '[INST] ' + text.strip() + ' [/INST]' -}}
      {% else %}
      {{- ' ' + message.content.strip() + ' ' + eos_token -}}
      {% endif %}
      {% endfor %}
      """#)

  /// Llama 3, without the dates of 3.1.
  static let llama3 = NamedFormat(
    name: "llama3", markers: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    alternates: false,
    turns: #"""
      {{- bos_token -}}
      {% for message in messages %}
      {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' -}}
      {{- message.content.strip() + '<|eot_id|>' -}}
      {% endfor %}
      {% if add_generation_prompt %}
      {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
      {% endif %}
      """#)

  /// Mistral 7B Instruct v0.2, with a system message and an empty line before the first user message.
  static let mistral = NamedFormat(
    name: "mistral",
    turns: #"""
      {{- bos_token -}}
      {% for message in turns %}
      {% if message.role == 'user' %}
      {% set opening = system + '\n\n' if loop.first and system is not none else '' %}
      {{- '[INST] ' + opening + message.content + ' [/INST]' -}}
      {% else %}
      {{- ' ' + message.content + eos_token -}}
      {% endif %}
      {% endfor %}
      """#)

  /// Gemma, with a system message and an empty line before the first user message, as of Gemma 3.
  static let gemma = NamedFormat(
    name: "gemma", markers: ["<start_of_turn>", "<end_of_turn>"],
    turns: #"""
      {{- bos_token -}}
      {% for message in turns %}
      {{- '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\n' -}}
      {% if loop.first and system is not none %}
      {{- system + '\n\n' -}}
      {% endif %}
      {{- message.content.strip() + '<end_of_turn>\n' -}}
      {% endfor %}
      {% if add_generation_prompt %}
      {{- '<start_of_turn>model\n' -}}
      {% endif %}
      """#)

  /// Alpaca: the prompt of the LoX paper's reference evaluation. A system message takes the place of what
  /// it opens with.
  static let alpaca = NamedFormat(
    name: "alpaca",
    turns: #"""
      {% if system is none %}
      {{- 'Below is an instruction that describes a task. Write a response that appropriately ' -}}
      {{- 'completes the request.' -}}
      {% else %}
      {{- system -}}
      {% endif %}
      {{- '\n\n' -}}
      {% for message in turns %}
      {% if message.role == 'user' %}
      {{- '### Instruction:\n' + message.content + '\n\n' -}}
      {% else %}
      {{- '### Response: ' + message.content + eos_token -}}
      {{- '\n\n' if not loop.last or add_generation_prompt else '' -}}
      {% endif %}
      {% endfor %}
      {% if add_generation_prompt %}
      {{- '### Response:' -}}
      {% endif %}
      """#)
}
