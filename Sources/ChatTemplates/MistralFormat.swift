import ModelAccess

/// Mistral: `<s>[INST] text [/INST] reply</s>`. Versions differ in spaces, in trimming, and in where
/// the system message goes (before the first user message, before the last, or nowhere); all that is
/// read from the template.
///
/// Chosen by name it is the form of Mistral-7B-Instruct-v0.2, with a system message and an empty line
/// before the first user message.
struct MistralFormat: ChatLayout {
  static let name = "mistral"
  static let usualTokens = SequenceTokens(beginning: "<s>", end: "</s>")

  /// What surrounds a text, and whether the text is trimmed.
  struct Frame: Hashable {
    var before: String
    var after: String
    var trims = false
  }

  /// Where a system message goes.
  enum SystemPlace {
    case nowhere
    case firstUser(separator: String)
    case lastUser(separator: String)
  }

  var beginning: String
  var turnEnd: String
  var user = Frame(before: "[INST] ", after: " [/INST]")
  /// `after` holds the turn's end.
  var assistant: Frame
  var systemPlace = SystemPlace.firstUser(separator: "\n\n")
  var requiredTokens: [String] { [beginning, turnEnd].filter { !$0.isEmpty } }

  init(tokens: SequenceTokens) {
    beginning = tokens.beginning
    turnEnd = tokens.end
    assistant = Frame(before: " ", after: tokens.end)
  }

  init?(template: ChatTemplate) throws(ChatFormatError) {
    guard template.source.contains("[INST]"), !template.source.contains("<<SYS>>") else {
      return nil
    }
    guard !template.source.contains("[SYSTEM_PROMPT]") else {
      throw template.unsupported(Self.name, "writes system messages as [SYSTEM_PROMPT]")
    }
    self.init(tokens: template.tokens)
    beginning = template.beginning
    var users: Set<Frame> = []
    var assistants: Set<Frame> = []
    systemPlace = .nowhere
    try template.requireOnly(Self.name) { shape, run in
      shape.contains("[INST]") || (run.pieces.contains(.end) && shape.contains(ChatTemplate.gap))
    }
    for run in template.runs {
      let shape = template.shape(of: run.pieces)
      if shape.contains("_TOOLS]") || shape.contains("[TOOL_") { continue }
      let frame = Self.frame(run.pieces, in: template)
      if shape.contains("[INST]") {
        if let frame {
          users.insert(frame)
        } else if let place = Self.systemPlace(run) {
          systemPlace = place
        } else {
          throw template.unsupported(Self.name, "writes user turns in a way not known here")
        }
      } else if run.pieces.contains(.end), let frame {
        assistants.insert(frame)
      }
    }
    guard let user = users.first, users.count == 1, let assistant = assistants.first,
      assistants.count == 1, assistant.after.contains(turnEnd)
    else { throw template.unsupported(Self.name, "writes turns otherwise than Mistral does") }
    self.user = user
    self.assistant = assistant
    if case .nowhere = systemPlace, template.source.contains("system") {
      throw template.unsupported(Self.name, "puts system messages in a place not known here")
    }
  }

  /// The frame of a run that writes one text and nothing else that is computed.
  private static func frame(
    _ pieces: [ChatTemplate.Piece], in template: ChatTemplate
  ) -> Frame? {
    guard let index = pieces.firstIndex(where: \.isContent) else { return nil }
    let before = template.shape(of: Array(pieces[..<index]))
    let after = template.shape(of: Array(pieces[(index + 1)...]))
    guard !(before + after).contains(ChatTemplate.gap) else { return nil }
    return Frame(before: before, after: after, trims: pieces[index].isTrimmed)
  }

  /// `[INST] system⏎⏎text [/INST]` under a condition on the loop's first or last round.
  private static func systemPlace(_ run: ChatTemplate.Run) -> SystemPlace? {
    guard
      let system = run.pieces.firstIndex(where: { piece in
        guard case .computed(let source, _) = piece else { return false }
        return source.contains("system")
      }), system + 1 < run.pieces.count, case .literal(let separator) = run.pieces[system + 1]
    else { return nil }
    if run.condition.contains("loop.last") { return .lastUser(separator: separator) }
    if run.condition.contains("loop.first") || run.condition.contains("loop.index0 == 0") {
      return .firstUser(separator: separator)
    }
    return nil
  }

  func write(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, to transcript: inout ChatTranscript
  ) throws(ChatFormatError) {
    let conversation = try AlternatingTurns(messages, format: Self.name)
    if conversation.system != nil, case .nowhere = systemPlace {
      throw .systemNotSupported(format: Self.name)
    }
    transcript.mark(beginning)
    for (index, message) in conversation.turns.enumerated() {
      if message.role == .assistant {
        transcript.mark(assistant.before, isAssistant: true)
        transcript.say(message.content.stripped(if: assistant.trims), isAssistant: true)
        transcript.mark(assistant.after, isAssistant: true)
        continue
      }
      transcript.mark(user.before)
      if let system = conversation.system,
        let separator = separator(at: index, of: conversation.turns.count)
      {
        transcript.say(system)
        transcript.mark(separator)
      }
      transcript.say(message.content.stripped(if: user.trims))
      transcript.mark(user.after)
    }
  }

  /// What sets the system message apart at this turn; nil where it does not go here.
  private func separator(at index: Int, of count: Int) -> String? {
    switch systemPlace {
    case .nowhere: nil
    case .firstUser(let separator): index == 0 ? separator : nil
    case .lastUser(let separator): index == count - 1 ? separator : nil
    }
  }
}
