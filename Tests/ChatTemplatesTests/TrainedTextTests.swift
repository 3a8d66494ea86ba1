import ChatTemplates
import Foundation
import ModelAccess
import TestSupport
import Testing
import TinyTokenizer
import Tokenization

/// What of a conversation training takes its loss on.
@Suite struct TrainedTextTests {
  private typealias Tests = ChatFormatTests

  private static let turns = [
    Tests.user("Hi"), Tests.assistant("Yes."), Tests.user("Sure?"), Tests.assistant("No."),
  ]

  /// The texts of the stretches that are trained on.
  private static func trained(
    _ format: ChatFormat, _ messages: [ChatMessage] = turns
  ) throws -> [String] {
    let tokenizer = try Tests.tokenizer()
    let (ids, flags) = try format.encodeForTraining(messages, with: tokenizer)
    #expect(ids.count == flags.count)
    // The whole is what is rendered, and cutting it changes no token.
    #expect(
      tokenizer.decode(ids, skipSpecialTokens: false)
        == (try format.render(messages, ending: .none)))
    var stretches: [[Int]] = []
    var isOpen = false
    for (id, flag) in zip(ids, flags) {
      if flag, !isOpen { stretches.append([]) }
      if flag { stretches[stretches.count - 1].append(id) }
      isOpen = flag
    }
    return stretches.map { tokenizer.decode($0, skipSpecialTokens: false) }
  }

  /// Templates with and without an end mark, with blanks, with marks of the whole.
  @Test(arguments: [
    (Tests.chatML, ["Yes.<|im_end|>", "No.<|im_end|>"]),
    // No prompt for a reply: the blank before it is the model's.
    (
      "{% for m in messages %}{{ '[' + m.content + ']' if m.role == 'user' else ' ' + m.content + ' </s>' }}"
        + "{% endfor %}",
      [" Yes. </s>", " No. </s>"]
    ),
    // The mark of the whole conversation ends no reply.
    (
      "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endfor %}"
        + "{{ '<|assistant|>\\n' if add_generation_prompt else eos_token }}",
      ["Yes.<|end|>", "No.<|end|>"]
    ),
    // A text in place of a mark.
    (
      "{% for m in messages %}{{ m.role + ': ' + m.content + ' END\\n\\n' }}{% endfor %}"
        + "{{ 'assistant: ' if add_generation_prompt }}",
      ["Yes. END", "No. END"]
    ),
    // No end at all but the last's.
    (
      "{% for m in messages %}{{ m.role + ': ' + m.content + ('</s>' if loop.last and m.role == 'assistant' else '\\n') }}"
        + "{% endfor %}"
        + "{{ 'assistant: ' if add_generation_prompt }}",
      ["Yes.", "No.</s>"]
    ),
    // The prompt for a reply always stands at the end, next to the mark.
    (
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}"
        + "{{ '<|assistant|>' }}",
      ["Yes.<|end|>", "No.<|end|>"]
    ),
    // Two marks, the second of which ends the model's texts.
    (
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|></s>\n' }}{% endfor %}"
        + "{{ '<|assistant|>' if add_generation_prompt }}",
      ["Yes.<|end|></s>", "No.<|end|></s>"]
    ),
    // Marks that are no tokens of the model's, and half of one in common.
    (
      "{% for m in messages %}{{ '<' + m.role + '>' + m.content + ' <end>\n' }}{% endfor %}"
        + "{{ '<assistant>' if add_generation_prompt else '<all>' }}",
      ["Yes. <end>", "No. <end>"]
    ),
    // Blanks at both ends are no part of what is said.
    (
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content | trim + '<|end|> \\n' }}{% endfor %}"
        + "{{ '<|assistant|>' if add_generation_prompt }}",
      ["Yes.<|end|>", "No.<|end|>"]
    ),
  ])
  func repliesAreFoundByComparing(template: String, replies: [String]) throws {
    #expect(try Self.trained(Tests.format(template)) == replies)
  }

  /// Thoughts: of the last turn the template writes an empty one, earlier ones lose theirs.
  private static let thinking = """
    {% for m in messages %}
    {{- '<|im_start|>' + m.role + '\\n' -}}
    {% set text = m.content.split('</think>')[-1] %}
    {% if m.role == 'assistant' and loop.last %}{{- '<think>\\n\\n</think>\\n\\n' -}}{% endif %}
    {{- text + '<|im_end|>\\n' -}}
    {% endfor %}
    {% if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' -}}
    {% if off %}{{- '<think>\\n\\n</think>\\n\\n' -}}{% endif %}
    {% if opens %}{{- '<think>\\n' -}}{% endif %}
    {% endif %}
    """

  @Test func thoughtsThatThePromptOpensAreNotLearned() throws {
    #expect(
      try Self.trained(Tests.format(Self.thinking)) == [
        "Yes.<|im_end|>", "<think>\n\n</think>\n\nNo.<|im_end|>",
      ])
    #expect(
      try Self.trained(Tests.format(Self.thinking, "off=true"))
        == ["Yes.<|im_end|>", "No.<|im_end|>"])
    #expect(
      try Self.trained(Tests.format(Self.thinking, "opens=true")) == [
        "Yes.<|im_end|>", "\n</think>\n\nNo.<|im_end|>",
      ])
    // What a template takes away of a reply is not learned.
    #expect(
      try Self.trained(
        Tests.format(Self.thinking, "off=true"),
        [Tests.user("Q"), Tests.assistant("<think>why</think>Because.")])
        == ["Because.<|im_end|>"])
  }

  /// A prompt that opens thoughts, where what was said before is written as without any.
  @Test func repliesFollowThePromptWithoutThoughts() throws {
    let template = """
      {% for m in messages %}<|{{ m.role }}|>{{ '</think>' if m.role == 'assistant' }}{{ m.content }}{% endfor %}
      {%- if add_generation_prompt %}<|assistant|>\
      {{- '</think>' if enable_thinking is defined and not enable_thinking else '<think>' }}{% endif %}
      """
    #expect(try Self.trained(Tests.format(template)) == ["Yes.", "No."])
    #expect(
      try Self.trained(Tests.format(template, "enable_thinking=false")) == ["Yes.", "No."])
    // Who asks for thoughts trains replies with thoughts, which this template does not write.
    let error = Tests.failure {
      _ = try Self.trained(Tests.format(template, "enable_thinking=true"))
    }
    guard case .unclearReply? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// Blanks that no prompt for a reply has are not learned.
  @Test func repliesBeginBehindBlanksOfTheTemplates() throws {
    let template = """
      {% for m in messages %}{{ m.role + ':' }} \n  {{ m.content + '</s>' }}\n{% endfor %}
      {{- 'assistant:\n' if add_generation_prompt }}
      """
    #expect(try Self.trained(Tests.format(template)) == ["Yes.</s>", "No.</s>"])
  }

  /// A reply that the template writes again behind the next question.
  @Test func aReplyAroundAnothersTextIsRefused() throws {
    let template =
      "{% for m in messages %}{{ m.role + ':' + m.content + '</s>' }}{% endfor %}"
      + "{{ 'assistant:' if add_generation_prompt else 'first:' + messages[1].content }}"
    let error = Tests.failure { _ = try Self.trained(Tests.format(template)) }
    guard case .unclearReply(_, 1, let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("text of message 2"))
  }

  @Test func generationBlocksSayWhatIsLearned() throws {
    let template = """
      {% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}\
      {% generation %}{{ m.content }}<|im_end|>{{ '\\n' }}{% endgeneration %}\
      {% else %}{{ m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}
      """
    #expect(
      try Self.trained(Tests.format(template)) == ["Yes.<|im_end|>\n", "No.<|im_end|>\n"])
    let last = template.replacing("m.role == 'assistant'", with: "loop.last")
    #expect(try Self.trained(Tests.format(last)) == ["No.<|im_end|>\n"])
    let none = template.replacing("m.role == 'assistant'", with: "m.role == 'nobody'")
    let error = Tests.failure { _ = try Self.trained(Tests.format(none)) }
    guard case .noGeneration? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// What stands before a reply is another text once the reply is there.
  @Test(arguments: [
    "{{ messages | length }}"
      + "{% for m in messages %}{{ m.role + ':' + m.content + '</s>' }}{% endfor %}",
    "{% for m in messages | reverse %}{{ m.role + ':' + m.content + '</s>' }}{% endfor %}",
  ])
  func unclearRepliesAreRefusedWithTheReason(template: String) throws {
    let error = Tests.failure { _ = try Self.trained(Tests.format(template)) }
    guard case .unclearReply(_, 1, let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("writes what comes before it otherwise"))
  }

  @Test func aReplyThatIsNotWrittenIsRefused() throws {
    let template = "{% for m in messages %}{{ m.content if m.role == 'user' else '…' }}{% endfor %}"
    let error = Tests.failure { _ = try Self.trained(Tests.format(template)) }
    guard case .lostText(_, 1)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(throws: ChatFormatError.noAssistantTurn) {
      try Self.trained(Tests.format(Tests.chatML), [Tests.user("a")])
    }
  }

  @Test func emptyRepliesAndMarksInRepliesAreText() throws {
    #expect(
      try Self.trained(
        Tests.format(Tests.chatML),
        [Tests.user("a"), Tests.assistant(""), Tests.user("b"), Tests.assistant("c<|im_end|>\nd")])
        == ["<|im_end|>", "c<|im_end|>\nd<|im_end|>"])
    #expect(
      try Self.trained(Tests.format(Tests.chatML), [Tests.assistant("a"), Tests.user("b")])
        == ["a<|im_end|>"])
  }

  @Test(arguments: ["chatml", "llama2", "mistral", "gemma", "alpaca"])
  func namedFormatsAskAsTheyTrain(name: String) throws {
    let tokenizer = try Tests.tokenizer()
    let format = try ChatFormat(NamedFormat(name), for: tokenizer)
    let training = try format.encodeForTraining(Self.turns, with: tokenizer)
    // What a model would have been asked is exactly what stands before the first marked token.
    let prompt = try format.encode([Self.turns[0]], with: tokenizer)
    #expect(Array(training.ids.prefix(prompt.count)) == prompt)
    #expect(training.isAssistant.prefix(prompt.count).allSatisfy { !$0 })
    #expect(training.isAssistant[prompt.count])
    let replies = try Self.trained(format)
    let endID = try #require(format.stopTokenIDs(with: tokenizer).first)
    let end = try #require(tokenizer.token(of: endID))
    #expect(replies.count == 2)
    #expect(replies.allSatisfy { $0.hasSuffix(end) })
    #expect(replies.joined().filter { !$0.isWhitespace } == "Yes.\(end)No.\(end)")
  }

  @Test func trainsOnSentencePieceAsItWillBeAsked() throws {
    let tokenizer = try TokenizerFixture.tokenizer(
      TokenizerFixture.sentencePiece(
        pieces: ["▁", "[", "]", "I", "N", "S", "T", "/", "a", "b", "▁b"], merges: [("▁", "b")]),
      beside: ["tokenizer_config.json": ["bos_token": "<s>", "eos_token": "</s>"]])
    let format = try ChatFormat(NamedFormat("mistral"), for: tokenizer)
    let training = try format.encodeForTraining(
      [Tests.user("a"), Tests.assistant("b")], with: tokenizer)
    // No dummy space slips in where the reply begins.
    let marked = zip(training.ids, training.isAssistant).filter(\.1).map(\.0)
    #expect(marked.map { tokenizer.token(of: $0) } == ["▁b", "</s>"])
  }
}
