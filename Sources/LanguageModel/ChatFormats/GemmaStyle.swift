import Chat
import Foundation

/// `<start_of_turn>role … <end_of_turn>`: Gemma, whose assistant is called model.
struct GemmaStyle: ChatStyle {
  let name = "gemma"
  let stopTokens = ["<end_of_turn>"]
  /// Gemma 1 and 2 refuse a system message; Gemma 3 puts it before the first user turn.
  let refusesSystem: Bool

  init(template: String) {
    refusesSystem = template.contains("System role not supported")
  }

  func parts(
    _ messages: [ChatMessage], addGenerationPrompt: Bool
  ) throws(TokenizerError) -> [ChatPart] {
    if refusesSystem, messages.first?.role == .system {
      throw .invalidConversation(
        format: name, reason: "this model's template has no system role; leave the message out")
    }
    let turns = try mergingSystem(messages)
    try checkAlternation(turns)
    var parts: [ChatPart] = [.markup("<bos>")]
    for message in turns {
      let isReply = message.role == .assistant
      parts += [
        .markup("<start_of_turn>\(isReply ? "model" : "user")\n"),
        .content(
          message.content.trimmingCharacters(in: .whitespacesAndNewlines), isReply: isReply),
        .markup("<end_of_turn>\n", isReply: isReply),
      ]
    }
    if addGenerationPrompt { parts.append(.markup("<start_of_turn>model\n")) }
    return parts
  }
}
