import ModelAccess

/// Llama 2: `<s>[INST] text [/INST] reply </s>`, the system message in `<<SYS>>` marks before the
/// first user message.
///
/// `[INST]` is no control token here but plain text, so the format itself cannot keep a prompt from
/// imitating a turn; only `<s>` and `</s>` are out of a prompt's reach.
struct Llama2Format: ChatLayout {
  static let name = "llama2"
  static let usualTokens = SequenceTokens(beginning: "<s>", end: "</s>")

  var beginning: String
  /// Whether `beginning` opens every user turn, as Meta's template has it, or only the first.
  var beginsEachTurn = true
  var turnEnd: String
  var defaultSystem: String?
  var trims = true
  var trimsSystem = false
  var requiredTokens: [String] { [beginning, turnEnd].filter { !$0.isEmpty } }

  init(tokens: SequenceTokens) {
    beginning = tokens.beginning
    turnEnd = tokens.end
  }

  init?(template: ChatTemplate) throws(ChatFormatError) {
    guard template.source.contains("<<SYS>>"), template.source.contains("[INST]") else {
      return nil
    }
    let gap = ChatTemplate.gap
    let user = "[INST] \(gap) [/INST]"
    let users = [user, template.tokens.beginning + user]
    let assistant = " \(gap) \(template.tokens.end)"
    let system = "<<SYS>>\n\(gap)\n<</SYS>>\n\n"
    guard let found = template.shapes.first(where: users.contains),
      template.shapes.contains(assistant)
    else { throw template.unsupported(Self.name, "writes turns otherwise than Llama 2 does") }
    guard
      let systemPieces = template.assignments.map(\.pieces).first(where: {
        template.shape(of: $0).hasPrefix(system)
      })
    else {
      throw template.unsupported(Self.name, "writes system messages otherwise than Llama 2 does")
    }
    trimsSystem = systemPieces[1].isTrimmed
    beginsEachTurn = found != user
    try template.requireOnly(Self.name) { shape, _ in
      users.contains(shape) || shape == assistant || shape == system
    }
    beginning = template.tokens.beginning
    turnEnd = template.tokens.end
    trims = template.trimsContent
    defaultSystem = template.assignedSystem
  }

  func write(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, to transcript: inout ChatTranscript
  ) throws(ChatFormatError) {
    let conversation = try AlternatingTurns(messages, format: Self.name)
    let first = messages.first?.content ?? ""
    let usesDefault = conversation.system == nil && !first.contains("<<SYS>>")
    for (index, message) in conversation.turns.enumerated() {
      if message.role == .assistant {
        // The space belongs to the reply: a model writes it as part of its first word.
        transcript.mark(" ", isAssistant: true)
        transcript.say(message.content.stripped(if: trims), isAssistant: true)
        transcript.mark(" \(turnEnd)", isAssistant: true)
        continue
      }
      transcript.mark((beginsEachTurn || index == 0 ? beginning : "") + "[INST] ")
      let system = index == 0 ? conversation.system ?? (usesDefault ? defaultSystem : nil) : nil
      if let system {
        transcript.mark("<<SYS>>\n")
        transcript.say(system.stripped(if: trimsSystem))
        transcript.mark("\n<</SYS>>\n\n")
        // Trimming covers marks and message together; the marks shield its start.
        transcript.say(trims ? Self.endStripped(message.content) : message.content)
      } else {
        transcript.say(message.content.stripped(if: trims))
      }
      transcript.mark(" [/INST]")
    }
  }

  private static func endStripped(_ text: String) -> String {
    String(("." + text).stripped.dropFirst())
  }
}
