package import Foundation
import Jinja
package import ModelAccess
package import Tokenization

/// What stands behind the last message of a conversation.
package enum ConversationEnding: Hashable, Sendable {
  /// What makes the model answer.
  case generationPrompt
  /// Nothing, not even the end of the last turn, which is the assistant's: the model continues it.
  case openTurn
  /// Nothing: the conversation is over.
  case none
}

/// How a model wants a conversation written: by a chat template, which is the model's own or, for a model
/// without one, that of a named format.
package struct ChatFormat: Sendable {
  let template: TemplateRendering
  private(set) var arguments: TemplateArguments
  private let date: TemplateDate
  /// Whether no template of the model's says that the beginning-of-sequence token is written, so that the
  /// tokenizer's own rule decides.
  private let isNamed: Bool

  /// - Throws: `ChatFormatError.unreadArgument` where the template does not read an argument.
  init(
    _ template: TemplateRendering, arguments: TemplateArguments = TemplateArguments(),
    date: TemplateDate = .standard
  ) throws(ChatFormatError) {
    try template.require(arguments)
    self.template = template
    self.arguments = arguments
    self.date = date
    isNamed = false
  }

  /// The model's own, as its folder has it.
  ///
  /// - Throws: `ChatFormatError` where there is no template, or it is none of the language.
  package init(folder: URL) throws(ChatFormatError) {
    try self.init(TemplateRendering(folder: folder))
  }

  /// A named format with the model's own first and last tokens.
  ///
  /// - Throws: `ChatFormatError.missingToken` where a marker of the format is no token of the model's, and
  ///   as above.
  package init(
    _ named: NamedFormat, for tokenizer: Tokenizer,
    arguments: TemplateArguments = TemplateArguments(), date: TemplateDate = .standard
  ) throws(ChatFormatError) {
    for marker in named.markers where tokenizer.id(of: marker) == nil {
      throw .missingToken(format: named.name, token: marker)
    }
    let beginning = tokenizer.beginningOfSequenceID.flatMap(tokenizer.token)
    let end = tokenizer.endOfSequenceID.flatMap(tokenizer.token)
    template = try named.rendering(
      specialTokens: ["bos_token": beginning ?? "", "eos_token": end ?? ""])
    try template.require(arguments)
    self.arguments = arguments
    self.date = date
    isNamed = true
  }

  /// The format with further arguments, which stand before those that it has.
  package func with(_ arguments: TemplateArguments) -> ChatFormat {
    var format = self
    format.arguments = format.arguments.overridden(by: arguments)
    return format
  }

  /// Tells apart formats that may write a conversation otherwise.
  package var identity: String { template.identity(arguments, date) }

  /// A conversation as text, as transformers' `apply_chat_template(tokenize=False)` gives it.
  ///
  /// - Throws: `ChatFormatError`: `template` with the template's own words where it refuses.
  package func render(
    _ messages: [ChatMessage], ending: ConversationEnding = .generationPrompt
  ) throws(ChatFormatError) -> String {
    try rendered(messages, ending).text
  }

  /// A conversation as ids. Control tokens come only from the template: text that spells one in a
  /// message stays plain text, so no message can forge a turn.
  package func encode(
    _ messages: [ChatMessage], with tokenizer: Tokenizer,
    ending: ConversationEnding = .generationPrompt
  ) throws(ChatFormatError) -> [Int] {
    let text = try rendered(messages, ending)
    let ids = tokenizer.encode(text.runs.map { text.part($0) }).flatMap(\.self)
    return prefix(before: ids, of: tokenizer) + ids
  }

  /// The ids at which a reply ends: what the template writes behind one, and the model's own ends of
  /// sequence.
  package func stopTokenIDs(with tokenizer: Tokenizer) -> [Int] {
    let turnEnd = turnEnd(with: tokenizer)
    return (turnEnd.map { [$0] } ?? []) + tokenizer.endOfSequenceIDs.filter { $0 != turnEnd }
  }

  /// The first token that the template writes behind a reply; nil where there is none.
  private func turnEnd(with tokenizer: Tokenizer) -> Int? {
    let dialogue = [
      ChatMessage(role: .user, content: "a"), ChatMessage(role: .assistant, content: "b"),
    ]
    guard let text = try? rendered(dialogue, .none), let reply = text.range(of: 1) else {
      return nil
    }
    let rest = reply.upperBound..<text.endOfTemplate(from: reply.upperBound)
    return text.endMark(in: rest, of: tokenizer)?.id
  }

  func rendered(
    _ messages: [ChatMessage], _ ending: ConversationEnding,
    _ further: TemplateArguments = TemplateArguments()
  ) throws(ChatFormatError) -> RenderedText {
    if ending == .openTurn { return try openTurn(messages) }
    return RenderedText(
      try template.render(
        messages, addsGenerationPrompt: ending == .generationPrompt,
        arguments: further.overridden(by: arguments),
        now: date.noon))
  }

  /// Where the last message's text ends is found by a word written behind it, as transformers finds it.
  private func openTurn(_ messages: [ChatMessage]) throws(ChatFormatError) -> RenderedText {
    guard var last = messages.last, last.role == .assistant, !last.content.stripped.isEmpty else {
      throw .noOpenTurn
    }
    let said = last.content.stripped
    last.content += Self.continuation + " "
    var text = try rendered(messages.dropLast() + [last], .none)
    guard let end = text.lastRange(of: Self.continuation), text.lastRange(of: said) != nil else {
      throw .lostText(file: template.file, message: messages.count - 1)
    }
    // A template that takes blanks away behind a text takes them away before the word, too.
    let keepsBlanks = end.upperBound < text.count && text.bytes[end.upperBound] == 0x20
    text.cut(at: keepsBlanks ? end.lowerBound : text.endWithoutBlanks(0..<end.lowerBound))
    return text
  }

  private static let continuation = "THE_TURN_GOES_ON_HERE"

  /// What the tokenizer puts before a sequence, where the template leaves that to it.
  func prefix(before ids: [Int], of tokenizer: Tokenizer) -> [Int] {
    guard isNamed, let first = tokenizer.prefixIDs.first, ids.first != first else { return [] }
    return tokenizer.prefixIDs
  }
}

extension RenderedText {
  /// A run as a tokenizer takes it: only the template's own words may be special tokens.
  func part(_ run: Run, startsAfresh: Bool = false) -> Tokenizer.InputPart {
    Tokenizer.InputPart(
      text: text(run.range), parsesSpecial: run.origin == .template, startsAfresh: startsAfresh)
  }

  /// The token that ends a reply in what the template writes first behind one: one of the model's own
  /// ends of sequence, else the first.
  func endMark(in rest: Range<Int>, of tokenizer: Tokenizer) -> (range: Range<Int>, id: Int)? {
    let word = firstWord(of: rest)
    let marks = marks(in: rest, of: tokenizer).filter { $0.range.lowerBound < word.upperBound }
    return marks.first { tokenizer.endOfSequenceIDs.contains($0.id) } ?? marks.first
  }

  /// A stretch up to the first blank behind its first word: what stands further on ends no reply.
  func firstWord(of stretch: Range<Int>) -> Range<Int> {
    var end = stretch.lowerBound
    var hasBegun = false
    for scalar in text(stretch).unicodeScalars {
      if scalar.isBlank, hasBegun { break }
      hasBegun = hasBegun || !scalar.isBlank
      end += UTF8.width(scalar)
    }
    return stretch.lowerBound..<end
  }

  /// The added tokens that a stretch spells, but for those of blanks.
  func marks(in range: Range<Int>, of tokenizer: Tokenizer) -> [(range: Range<Int>, id: Int)] {
    tokenizer.addedTokens(in: bytes[range]).filter {
      endWithoutBlanks($0.range) > $0.range.lowerBound
    }
  }
}

extension String {
  /// Without white space at both ends, as Python's `strip` counts it.
  var stripped: String {
    var scalars = unicodeScalars.drop(while: \.isBlank)
    while let last = scalars.last, last.isBlank { scalars.removeLast() }
    return String(scalars)
  }
}
