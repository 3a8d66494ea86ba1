import Foundation
import ModelAccess

/// Alpaca: a preamble, then `### Instruction:` and `### Response:` sections.
///
/// Chosen by name it is the prompt of the LoX paper's reference evaluation, which ends in
/// `### Response:`. A system message takes the preamble's place.
struct AlpacaFormat: ChatLayout {
  static let name = "alpaca"
  static let usualTokens = SequenceTokens(beginning: "", end: "</s>")
  private static let instructionMark = "### Instruction:"
  private static let responseMark = "### Response:"

  var beginning = ""
  var turnEnd: String
  var preamble =
    "Below is an instruction that describes a task. Write a response that appropriately completes "
    + "the request."
  /// Behind the preamble, or the system message in its place.
  var preambleEnd = "\n\n"
  var instructionStart = "### Instruction:\n"
  var instructionEnd = "\n\n"
  /// What asks for a reply; empty where `instructionEnd` does.
  var prompt = "### Response:"
  /// What a reply begins with behind the prompt.
  var replyStart = " "
  /// Behind the turn's end.
  var replyEnd = "\n\n"
  /// Whether `replyEnd` also stands behind the last reply, as published templates write it.
  var closesLastReply = false
  var trims = false
  var requiredTokens: [String] { [turnEnd].filter { !$0.isEmpty } }

  init(tokens: SequenceTokens) {
    turnEnd = tokens.end
  }

  init?(template: ChatTemplate) throws(ChatFormatError) {
    guard template.source.contains(Self.instructionMark),
      template.source.contains(Self.responseMark)
    else { return nil }
    turnEnd = template.tokens.end
    beginning = template.beginning
    trims = template.trimsContent
    closesLastReply = true

    let gap = ChatTemplate.gap
    let shapes = template.runs.map { template.shape(of: $0.pieces) }
    guard !turnEnd.isEmpty,
      let user = shapes.first(where: { $0.contains(Self.instructionMark) && $0.contains(gap) }),
      let reply = shapes.first(where: { $0 != user && $0.contains(gap + turnEnd) })
    else {
      throw template.unsupported(
        Self.name, "does not write an instruction, and a reply that ends in eos_token")
    }
    let userParts = user.components(separatedBy: gap)
    let replyParts = reply.components(separatedBy: gap + turnEnd)
    guard userParts.count == 2, replyParts.count == 2,
      let mark = userParts[0].range(of: Self.instructionMark)
    else { throw template.unsupported(Self.name, "writes more into a turn than its text") }
    preamble = String(userParts[0][..<mark.lowerBound])
    guard preamble.isEmpty else {
      throw template.unsupported(Self.name, "repeats its preamble in every turn")
    }
    instructionStart = userParts[0]
    instructionEnd = userParts[1]
    replyEnd = replyParts[1]
    readPreamble(of: template, shapes: shapes)

    let preambles = [gap, gap + preambleEnd, preamble + preambleEnd].flatMap {
      [$0, beginning + $0]
    }
    try template.requireOnly(Self.name) { shape, _ in
      shape == user || shape == reply || preambles.contains(shape)
        || (shape.hasPrefix(Self.responseMark) && !shape.contains(gap))
    }
    if instructionEnd.contains(Self.responseMark) {
      prompt = ""
      replyStart = replyParts[0]
      return
    }
    guard
      let asks = shapes.first(where: { $0.hasPrefix(Self.responseMark) && !$0.contains(gap) }),
      replyParts[0].hasPrefix(asks)
    else {
      throw template.unsupported(Self.name, "asks for a reply otherwise than it writes one")
    }
    prompt = asks
    replyStart = String(replyParts[0].dropFirst(asks.count))
  }

  /// A preamble that is assigned as the default system message, and what stands behind it.
  private mutating func readPreamble(of template: ChatTemplate, shapes: [String]) {
    preamble = template.assignedSystem ?? ""
    let gap = ChatTemplate.gap
    let ends = (template.assignments.map { template.shape(of: $0.pieces) } + shapes)
      .filter { $0.hasPrefix(gap) && $0.dropFirst().allSatisfy(\.isWhitespace) && $0.count > 1 }
    preambleEnd = ends.first.map { String($0.dropFirst()) } ?? "\n\n"
  }

  func write(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, to transcript: inout ChatTranscript
  ) throws(ChatFormatError) {
    let conversation = try AlternatingTurns(messages, format: Self.name)
    transcript.mark(beginning)
    if let system = conversation.system {
      transcript.say(system.stripped(if: trims))
      transcript.mark(preambleEnd)
    } else if !preamble.isEmpty {
      transcript.mark(preamble + preambleEnd)
    }
    let last = conversation.turns.endIndex - 1
    for (index, message) in zip(conversation.turns.indices, conversation.turns) {
      if message.role == .assistant {
        transcript.mark(prompt)
        transcript.mark(replyStart, isAssistant: true)
        transcript.say(message.content.stripped(if: trims), isAssistant: true)
        transcript.mark(turnEnd, isAssistant: true)
        if closesLastReply || index < last || addGenerationPrompt { transcript.mark(replyEnd) }
      } else {
        transcript.mark(instructionStart)
        transcript.say(message.content.stripped(if: trims))
        transcript.mark(instructionEnd)
      }
    }
    if addGenerationPrompt { transcript.mark(prompt) }
  }
}
