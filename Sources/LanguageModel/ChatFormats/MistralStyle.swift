import Chat

/// `[INST] … [/INST]` without a system role: its text begins the first instruction.
struct MistralStyle: ChatStyle {
  let name = "mistral"
  let stopTokens = ["</s>"]
  /// Tekken templates have no spaces around the marks; the older ones have.
  let opening: String
  let closing: String
  let replyPrefix: String

  init(template: String) {
    opening = template.isEmpty || template.contains("[INST] ") ? "[INST] " : "[INST]"
    closing = template.isEmpty || template.contains(" [/INST]") ? " [/INST]" : "[/INST]"
    replyPrefix =
      template.contains("' ' + message") || template.contains("\" \" + message") ? " " : ""
  }

  func parts(
    _ messages: [ChatMessage], addGenerationPrompt: Bool
  ) throws(TokenizerError) -> [ChatPart] {
    let turns = try mergingSystem(messages)
    try checkAlternation(turns)
    var parts: [ChatPart] = [.markup("<s>")]
    for message in turns {
      if message.role == .assistant {
        parts += [
          .markup(replyPrefix), .content(message.content, isReply: true),
          .markup("</s>", isReply: true),
        ]
      } else {
        parts += [.markup(opening), .content(message.content), .markup(closing)]
      }
    }
    return parts
  }
}
