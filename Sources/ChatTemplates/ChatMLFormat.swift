import ModelAccess

/// ChatML (SmolLM2, Qwen 2, OpenHermes): `<|im_start|>role⏎text<|im_end|>⏎`.
///
/// A default system prompt is the template's own. Without a template there is none.
struct ChatMLFormat: ChatLayout {
  static let name = "chatml"
  static let usualTokens = SequenceTokens(beginning: "", end: "<|im_end|>")
  private static let start = "<|im_start|>"

  var beginning = ""
  var defaultSystem: String?
  var trims = false
  /// What stands behind `<|im_end|>`.
  var lineEnd = "\n"
  let turnEnd = "<|im_end|>"

  var requiredTokens: [String] { [Self.start, turnEnd] }

  init(tokens: SequenceTokens) {}

  init?(template: ChatTemplate) throws(ChatFormatError) {
    guard template.source.contains(Self.start) else { return nil }
    let gap = ChatTemplate.gap
    let turns = [gap, "user", "system", "assistant"].map { "<|im_start|>\($0)\n\(gap)<|im_end|>" }
    let prompt = "<|im_start|>assistant\n"
    guard
      let pieces = template.pieces(where: { turns.contains(where: template.shape(of: $0).contains) }
      )
    else {
      throw template.unsupported(
        Self.name, "does not write turns as <|im_start|>role⏎text<|im_end|>")
    }
    guard template.shapes.contains(prompt) else {
      throw template.unsupported(Self.name, "starts replies otherwise than <|im_start|>assistant⏎")
    }
    guard !template.source.contains("<think>") else {
      throw template.unsupported(Self.name, "writes <think> sections into the assistant's turns")
    }
    beginning = template.beginning
    lineEnd = template.shape(of: pieces).hasSuffix("\n") ? "\n" : ""
    trims = pieces.contains { $0.isContent && $0.isTrimmed }
    defaultSystem = template.defaultSystem(header: "<|im_start|>system\n", end: turnEnd)

    let systemTurn = "<|im_start|>system\n\(defaultSystem ?? "")<|im_end|>"
    let known = Set((turns + [systemTurn]).map { $0 + lineEnd } + [prompt])
    try template.requireOnly(Self.name) { shape, _ in
      known.contains(shape) || known.contains(String(shape.dropFirst(beginning.count)))
    }
  }

  func write(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, to transcript: inout ChatTranscript
  ) {
    transcript.mark(beginning)
    if messages.first?.role != .system, let defaultSystem {
      transcript.mark("\(Self.start)system\n\(defaultSystem)\(turnEnd)\(lineEnd)")
    }
    for message in messages {
      let isAssistant = message.role == .assistant
      transcript.mark("\(Self.start)\(message.role.rawValue)\n")
      transcript.say(message.content.stripped(if: trims), isAssistant: isAssistant)
      transcript.mark(turnEnd + lineEnd, isAssistant: isAssistant)
    }
    if addGenerationPrompt { transcript.mark("\(Self.start)assistant\n") }
  }
}
