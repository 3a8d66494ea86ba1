import Foundation
import ModelAccess

/// Llama 3: `<|start_header_id|>role<|end_header_id|>⏎⏎text<|eot_id|>`.
///
/// From 3.1 on, templates open with a system turn that states the knowledge cut-off and today's
/// date. The date written here is the one the template falls back to, never the clock's: a study
/// must give the same prompt tomorrow.
struct Llama3Format: ChatLayout {
  static let name = "llama3"
  static let usualTokens = SequenceTokens(beginning: "<|begin_of_text|>", end: "<|eot_id|>")

  var beginning: String
  /// The lines that every system turn opens with; nil before Llama 3.1.
  var dateLines: String?
  var defaultSystem: String?
  var trims = true
  let turnEnd = "<|eot_id|>"

  var requiredTokens: [String] { ["<|start_header_id|>", "<|end_header_id|>", turnEnd] }

  init(tokens: SequenceTokens) {
    beginning = tokens.beginning
  }

  init?(template: ChatTemplate) throws(ChatFormatError) {
    guard template.source.contains("<|start_header_id|>") else { return nil }
    let gap = ChatTemplate.gap
    let turn = "<|start_header_id|>\(gap)<|end_header_id|>\n\n\(gap)<|eot_id|>"
    guard let pieces = template.pieces(where: { template.shape(of: $0).contains(turn) }) else {
      throw template.unsupported(
        Self.name, "does not write turns as header, two line ends, text, <|eot_id|>")
    }
    beginning = template.beginning
    trims = pieces.contains { $0.isContent && $0.isTrimmed }
    defaultSystem = template.defaultSystem(
      header: Self.header(.system), end: turnEnd)
    var dateShape = ""
    if template.source.contains("Today Date: ") {
      dateShape = try Self.dateShape(in: template)
      dateLines = dateShape.replacing(gap, with: try Self.date(in: template))
    }
    let headers = [gap, "system", "user", "assistant"].map {
      "<|start_header_id|>\($0)<|end_header_id|>\n\n"
    }
    let texts = ["", gap + turnEnd, (defaultSystem ?? "") + turnEnd]
    try template.requireOnly(Self.name) { shape, run in
      var text = shape.hasPrefix(beginning) ? String(shape.dropFirst(beginning.count)) : shape
      if !dateShape.isEmpty { text = text.replacing(dateShape, with: "") }
      if text == gap { return run.pieces.contains(where: \.isMessage) }
      return text.isEmpty || text == gap + turnEnd
        || headers.contains { header in texts.contains { text == header + $0 } }
    }
  }

  /// The lines on knowledge and today, with a gap for the latter.
  private static func dateShape(in template: ChatTemplate) throws(ChatFormatError) -> String {
    let today = "Today Date: \(ChatTemplate.gap)\n\n"
    for shape in template.shapes {
      if let start = shape.range(of: "Cutting Knowledge Date: "),
        let end = shape.range(of: today, range: start.upperBound..<shape.endIndex)
      {
        return String(shape[start.lowerBound..<end.upperBound])
      }
    }
    throw template.unsupported(name, "writes dates otherwise than Llama 3.1 does")
  }

  private static func date(in template: ChatTemplate) throws(ChatFormatError) -> String {
    for assignment in template.assignments where assignment.name == "date_string" {
      if case .literal(let date)? = assignment.pieces.first, assignment.pieces.count == 1 {
        return date
      }
    }
    throw template.unsupported(name, "writes today's date and gives none to fall back to")
  }

  private static func header(_ role: ChatMessage.Role) -> String {
    "<|start_header_id|>\(role.rawValue)<|end_header_id|>\n\n"
  }

  func write(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, to transcript: inout ChatTranscript
  ) {
    var turns = messages[...]
    transcript.mark(beginning)
    let hasSystem = messages.first?.role == .system
    if dateLines != nil || (!hasSystem && defaultSystem != nil) {
      transcript.mark(Self.header(.system) + (dateLines ?? ""))
      if let first = turns.first, hasSystem {
        transcript.say(first.content.stripped(if: trims))
        turns = turns.dropFirst()
      } else {
        transcript.mark(defaultSystem ?? "")
      }
      transcript.mark(turnEnd)
    }
    for message in turns {
      let isAssistant = message.role == .assistant
      transcript.mark(Self.header(message.role))
      transcript.say(message.content.stripped(if: trims), isAssistant: isAssistant)
      transcript.mark(turnEnd, isAssistant: isAssistant)
    }
    if addGenerationPrompt { transcript.mark(Self.header(.assistant)) }
  }
}
