import Jinja
package import ModelAccess
import Support
package import Tokenization

extension ChatFormat {
  /// A whole conversation as ids, and which of them are the assistant's, where training takes its loss.
  ///
  /// That is what stands in the template's `{% generation %}` blocks. Without any it is found by comparing:
  /// a reply begins where the prompt for it ends, and ends behind the token that the template writes behind
  /// it; blanks behind that are no part of it. Where that prompt opens thoughts, and what was said is written as
  /// without any, it begins where the prompt for a reply without thoughts ends; where the template writes no more
  /// than blanks otherwise, with the reply's own text.
  ///
  /// No token reaches across the start of a reply, so the ids before it are those that generation would
  /// start from.
  ///
  /// - Throws: `ChatFormatError`: `unclearReply` where it cannot be told what the model is to learn.
  package func encodeForTraining(
    _ messages: [ChatMessage], with tokenizer: Tokenizer
  ) throws(ChatFormatError) -> (ids: [Int], isAssistant: [Bool]) {
    guard messages.contains(where: { $0.role == .assistant }) else { throw .noAssistantTurn }
    let whole = try rendered(messages, .none)
    let replies =
      try template.hasGeneration
      ? generated(in: whole) : replies(in: whole, of: messages, with: tokenizer)
    var parts: [Tokenizer.InputPart] = []
    var runIsAssistant: [Bool] = []
    for run in whole.runs {
      for piece in run.cut(by: replies) {
        let isAssistant = replies.contains { $0.contains(piece.range.lowerBound) }
        let startsRun = runIsAssistant.last != isAssistant
        if startsRun { runIsAssistant.append(isAssistant) }
        parts.append(whole.part(piece, startsAfresh: startsRun))
      }
    }
    let runs = tokenizer.encode(parts)
    let prefix = prefix(before: runs.first ?? [], of: tokenizer)
    var ids = prefix
    var isAssistant = prefix.map { _ in false }
    for (run, flag) in zip(runs, runIsAssistant) {
      ids += run
      isAssistant += run.map { _ in flag }
    }
    return (ids, isAssistant)
  }

  /// What the template itself says is the model's.
  private func generated(in whole: RenderedText) throws(ChatFormatError) -> [Range<Int>] {
    let runs = whole.runs.filter(\.isGenerated).map(\.range)
    guard !runs.isEmpty else { throw .noGeneration(file: template.file) }
    return runs
  }

  private func replies(
    in whole: RenderedText, of messages: [ChatMessage], with tokenizer: Tokenizer
  ) throws(ChatFormatError) -> [Range<Int>] {
    var replies: [Range<Int>] = []
    for index in messages.indices where messages[index].role == .assistant {
      let said = whole.range(of: index)
      guard said != nil || messages[index].content.stripped.isEmpty else {
        throw .lostText(file: template.file, message: index)
      }
      let start = try replyStart(index, in: whole, of: messages, said: said)
      let textEnd = max(start, said?.upperBound ?? start)
      let end = replyEnd(index, behind: textEnd, in: whole, of: messages, with: tokenizer)
      try checkReply(start..<end, of: index, in: whole)
      replies.append(start..<end)
    }
    return replies
  }

  /// Where the prompt for a reply ends. A prompt may go on otherwise than the reply that followed it, as
  /// where it opens thoughts that are not kept: then the reply begins with its own text.
  private func replyStart(
    _ index: Int, in whole: RenderedText, of messages: [ChatMessage], said: Range<Int>?
  ) throws(ChatFormatError) -> Int {
    let prompt = try rendered(Array(messages[..<index]), .generationPrompt)
    let common = whole.commonPrefix(with: prompt)
    if common == prompt.count { return common }
    if let said, said.lowerBound <= common { return said.lowerBound }
    if let start = try startWithoutThoughts(messages[..<index], in: whole) { return start }
    guard let said,
      whole.unspaced(common..<said.lowerBound) == prompt.unspaced(common..<prompt.count)
    else {
      throw .unclearReply(
        file: template.file, message: index,
        reason:
          "the template writes what comes before it otherwise than when the model is asked for it, "
          + "from \(whole.excerpt(from: common)) on, where the model was given "
          + prompt.excerpt(from: common))
    }
    return said.lowerBound
  }

  /// Where the prompt for a reply without thoughts ends; nil where the reply does not follow that one either, or the
  /// template's user has said whether there are thoughts.
  private func startWithoutThoughts(
    _ asked: ArraySlice<ChatMessage>, in whole: RenderedText
  ) throws(ChatFormatError) -> Int? {
    guard template.reads(Self.thinking), arguments.values[Self.thinking] == nil else { return nil }
    var without = TemplateArguments()
    try without.add(Self.thinking, .boolean(false))
    guard let prompt = try? rendered(Array(asked), .generationPrompt, without) else { return nil }
    return whole.commonPrefix(with: prompt) == prompt.count ? prompt.count : nil
  }

  /// As published templates call it.
  private static let thinking = "enable_thinking"

  /// Refuses a stretch in which another message's text stands, as where a template writes a reply twice.
  private func checkReply(
    _ range: Range<Int>, of index: Int, in whole: RenderedText
  ) throws(ChatFormatError) {
    for run in whole.runs where run.range.overlaps(range) {
      guard case .element(let other) = run.origin, other != index else { continue }
      throw .unclearReply(
        file: template.file, message: index,
        reason: "the template writes text of message \(other) in the middle of it")
    }
  }

  /// Where a reply ends: behind the token that the template writes behind it, or a word in its place, also
  /// where nothing follows.
  private func replyEnd(
    _ index: Int, behind textEnd: Int, in whole: RenderedText, of messages: [ChatMessage],
    with tokenizer: Tokenizer
  ) -> Int {
    let rest = textEnd..<whole.endOfTemplate(from: textEnd)
    var word = whole.firstWord(of: rest)
    if index + 1 < messages.count, let closed = try? rendered(Array(messages[...index]), .none) {
      let start = min(closed.range(of: index)?.upperBound ?? textEnd, closed.count)
      let common =
        textEnd + RenderedText.commonPrefix(whole.bytes[rest], closed.bytes[start...])
      if let mark = whole.endMark(in: rest, of: tokenizer), mark.range.upperBound <= common {
        return mark.range.upperBound
      }
      // A word that goes on otherwise there is half of another.
      if common < word.upperBound, start + (common - textEnd) < closed.count {
        word = textEnd..<textEnd
      }
      word = textEnd..<min(word.upperBound, common)
    } else if let mark = whole.endMark(in: rest, of: tokenizer) {
      return mark.range.upperBound
    }
    let next = whole.marks(in: rest, of: tokenizer).first?.range.lowerBound ?? word.upperBound
    return whole.endWithoutBlanks(textEnd..<min(word.upperBound, next))
  }
}

extension RenderedText.Run {
  /// The run in pieces that lie each inside one of some ranges or outside of all.
  fileprivate func cut(by ranges: [Range<Int>]) -> [RenderedText.Run] {
    let places = ranges.flatMap { [$0.lowerBound, $0.upperBound] }
      .filter { range.lowerBound < $0 && $0 < range.upperBound }
    let ends = Set(places + [range.upperBound]).sorted()
    var start = range.lowerBound
    return ends.map { end in
      defer { start = end }
      return RenderedText.Run(range: start..<end, origin: origin, isGenerated: isGenerated)
    }
  }
}

extension RenderedText {
  /// A stretch without its blanks.
  fileprivate func unspaced(_ range: Range<Int>) -> [Unicode.Scalar] {
    text(range).unicodeScalars.filter { !$0.isBlank }
  }

  /// What stands from a place on, shortened, for messages.
  fileprivate func excerpt(from place: Int) -> String {
    place < count ? String(text(place..<count).prefix(40)).debugDescription : "its end"
  }
}
