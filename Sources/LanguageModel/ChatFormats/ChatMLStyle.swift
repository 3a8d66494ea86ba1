import Chat
import Foundation

/// `<|im_start|>role … <|im_end|>`: SmolLM2, Qwen and many fine-tuned models.
struct ChatMLStyle: ChatStyle {
  let name = "chatml"
  let stopTokens = ["<|im_end|>"]
  /// What the template says where the conversation has no system message, if anything.
  let defaultSystem: String?

  init(template: String) {
    // A literal between the opening of a system turn and its end, with no expression in between.
    let pattern = #"<\|im_start\|>system(?:\n|\\n)([^'"{}]+?)<\|im_end\|>"#
    let expression = try? NSRegularExpression(pattern: pattern)
    let source = template as NSString
    let match = expression?.firstMatch(
      in: template, range: NSRange(location: 0, length: source.length))
    defaultSystem = match.map {
      source.substring(with: $0.range(at: 1)).replacingOccurrences(of: "\\n", with: "\n")
    }
  }

  func parts(_ messages: [ChatMessage], addGenerationPrompt: Bool) -> [ChatPart] {
    var parts: [ChatPart] = []
    if let defaultSystem, messages.first?.role != .system {
      parts.append(.markup("<|im_start|>system\n\(defaultSystem)<|im_end|>\n"))
    }
    for message in messages {
      let isReply = message.role == .assistant
      parts += [
        .markup("<|im_start|>\(message.role.rawValue)\n"),
        .content(message.content, isReply: isReply), .markup("<|im_end|>\n", isReply: isReply),
      ]
    }
    if addGenerationPrompt { parts.append(.markup("<|im_start|>assistant\n")) }
    return parts
  }
}
