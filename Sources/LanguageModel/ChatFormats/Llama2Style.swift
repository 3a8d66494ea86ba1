import Chat
import Foundation

/// `[INST] <<SYS>> … <</SYS>> … [/INST]`: Llama 2.
struct Llama2Style: ChatStyle {
  let name = "llama2"
  let stopTokens = ["</s>"]

  func parts(
    _ messages: [ChatMessage], addGenerationPrompt: Bool
  ) throws(TokenizerError) -> [ChatPart] {
    var rest = messages[...]
    var system: String?
    if rest.first?.role == .system { system = rest.removeFirst().content }
    try checkAlternation(Array(rest))
    var parts: [ChatPart] = []
    for (index, message) in rest.enumerated() {
      let content = message.content.trimmingCharacters(in: .whitespacesAndNewlines)
      if message.role == .assistant {
        parts += [
          .markup(" "), .content(content, isReply: true), .markup(" </s>", isReply: true),
        ]
      } else {
        parts.append(.markup("<s>[INST] "))
        if index == 0, let system {
          parts += [.markup("<<SYS>>\n"), .content(system), .markup("\n<</SYS>>\n\n")]
        }
        parts += [.content(content), .markup(" [/INST]")]
      }
    }
    return parts
  }
}
