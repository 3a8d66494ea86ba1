import ModelAccess

/// Gemma: `<start_of_turn>role⏎text<end_of_turn>⏎`, where the assistant is called `model`.
///
/// Gemma has no system role. Templates of Gemma 1 and 2 refuse a system message, and so does this
/// format when it was read from one; Gemma 3's, and the format chosen by name, put it with an empty
/// line before the first user message.
struct GemmaFormat: ChatLayout {
  static let name = "gemma"
  static let usualTokens = SequenceTokens(beginning: "<bos>", end: "<end_of_turn>")

  var beginning: String
  /// What sets a system message apart from the user's; nil where the template refuses one.
  var systemEnd: String? = "\n\n"
  var trims = true
  var trimsSystem = false
  /// Whether system message and first user message are trimmed as one text.
  var trimsJointly = false
  let turnEnd = "<end_of_turn>"

  var requiredTokens: [String] { ["<start_of_turn>", turnEnd] }

  init(tokens: SequenceTokens) {
    beginning = tokens.beginning
  }

  init?(template: ChatTemplate) throws(ChatFormatError) {
    guard template.source.contains("<start_of_turn>") else { return nil }
    let gap = ChatTemplate.gap
    let shapes = template.shapes
    guard shapes.contains(where: { $0.contains("<start_of_turn>\(gap)\n") }),
      shapes.contains(where: { $0.contains("<end_of_turn>\n") }),
      shapes.contains(where: { $0.contains("<start_of_turn>model\n") })
    else {
      throw template.unsupported(
        Self.name, "does not write turns as <start_of_turn>role⏎text<end_of_turn>⏎")
    }
    beginning = template.beginning
    trims = template.trimsContent
    systemEnd = nil
    for assignment in template.assignments {
      let shape = template.shape(of: assignment.pieces)
      if shape == gap + "\n\n" || shape == gap + "\n", assignment.pieces[0].isContent {
        systemEnd = String(shape.dropFirst())
        trimsSystem = assignment.pieces[0].isTrimmed
        break
      }
    }
    trimsJointly = trims && shapes.contains(gap + gap)
    guard systemEnd != nil || template.source.contains("raise_exception") else {
      throw template.unsupported(Self.name, "treats system messages in a way not known here")
    }
    try template.requireOnly(Self.name) { shape, run in
      let starts = [gap, "user", "model"].map { "<start_of_turn>\($0)\n" }
      let texts = ["", gap, "\(gap)<end_of_turn>\n", "\(gap)\(gap)<end_of_turn>\n"]
      return shape == "<end_of_turn>\n" || (shape == gap && run.pieces.contains(where: \.isContent))
        || starts.contains { start in texts.contains { shape == start + $0 } }
    }
  }

  func write(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, to transcript: inout ChatTranscript
  ) throws(ChatFormatError) {
    let conversation = try AlternatingTurns(messages, format: Self.name)
    if conversation.system != nil, systemEnd == nil {
      throw .systemNotSupported(format: Self.name)
    }
    transcript.mark(beginning)
    for (index, message) in conversation.turns.enumerated() {
      let isAssistant = message.role == .assistant
      transcript.mark("<start_of_turn>\(isAssistant ? "model" : "user")\n")
      if index == 0, let system = conversation.system, let systemEnd {
        let opening = system.stripped(if: trimsSystem) + systemEnd
        let text = trimsJointly ? message.content : message.content.stripped(if: trims)
        transcript.say((opening + text).stripped(if: trimsJointly))
      } else {
        transcript.say(message.content.stripped(if: trims), isAssistant: isAssistant)
      }
      transcript.mark("\(turnEnd)\n", isAssistant: isAssistant)
    }
    if addGenerationPrompt { transcript.mark("<start_of_turn>model\n") }
  }
}
