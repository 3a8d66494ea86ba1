import Chat
import Foundation

/// `<|start_header_id|>role<|end_header_id|> … <|eot_id|>`: Llama 3 and later.
struct Llama3Style: ChatStyle {
  let name = "llama3"
  let stopTokens = ["<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"]
  /// From 3.1 on the system turn always begins with two dates. Models whose template takes today's
  /// date get the fixed one that the template falls back to, so that a run can be repeated.
  let dates: String?

  init(template: String) {
    guard template.contains("Cutting Knowledge Date") else {
      dates = nil
      return
    }
    let today = template.range(of: #"\d{2} [A-Z][a-z]{2} \d{4}"#, options: .regularExpression)
      .map { String(template[$0]) }
    dates =
      "Cutting Knowledge Date: December 2023\nToday Date: \(today ?? "26 Jul 2024")\n\n"
  }

  func parts(_ messages: [ChatMessage], addGenerationPrompt: Bool) -> [ChatPart] {
    func header(_ role: String) -> ChatPart {
      .markup("<|start_header_id|>\(role)<|end_header_id|>\n\n")
    }
    var parts: [ChatPart] = [.markup("<|begin_of_text|>")]
    var rest = messages[...]
    if let dates {
      let system = rest.first?.role == .system ? rest.removeFirst().content : ""
      parts += [
        header("system"), .markup(dates),
        .content(system.trimmingCharacters(in: .whitespacesAndNewlines)), .markup("<|eot_id|>"),
      ]
    }
    for message in rest {
      let isReply = message.role == .assistant
      parts += [
        header(message.role.rawValue),
        .content(
          message.content.trimmingCharacters(in: .whitespacesAndNewlines), isReply: isReply),
        .markup("<|eot_id|>", isReply: isReply),
      ]
    }
    if addGenerationPrompt { parts.append(header("assistant")) }
    return parts
  }
}
