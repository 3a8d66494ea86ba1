package import Foundation
package import ModelAccess
package import Tokenization

/// How a model wants a conversation written: one of ChatML, Llama 2, Llama 3, Mistral, Gemma and
/// Alpaca, with the details (default system prompt, spaces, dates) of the model's own template.
package struct ChatFormat: Sendable {
  /// The names a format is chosen by.
  package static var names: [String] { layouts.map { $0.name } }

  private static let layouts: [any ChatLayout.Type] = [
    ChatMLFormat.self, Llama2Format.self, Llama3Format.self, MistralFormat.self, GemmaFormat.self,
    AlpacaFormat.self,
  ]

  let layout: any ChatLayout
  /// Chosen by name rather than read from a template. No template then says whether the
  /// beginning-of-sequence token is written, so the tokenizer's own rule decides.
  let isChosenByName: Bool

  /// One of `names`.
  package var name: String { type(of: layout).name }

  /// The format of the chat template in a model folder: `chat_template.jinja`, else `chat_template`
  /// in `tokenizer_config.json` (a string, or a list of which the one named `default` counts).
  ///
  /// - Throws: `ChatFormatError` where there is no template, or it is none of the formats known here.
  package static func recognised(in folder: URL) throws(ChatFormatError) -> ChatFormat {
    let template: ChatTemplate?
    do throws(TokenizerError) {
      template = try ChatTemplateFile.read(in: folder)
    } catch {
      throw .configuration(error)
    }
    guard let template else { throw .noTemplate(folder: folder.path) }
    return try recognised(template)
  }

  static func recognised(_ template: ChatTemplate) throws(ChatFormatError) -> ChatFormat {
    for type in layouts {
      if let layout = try type.init(template: template) {
        return ChatFormat(layout: layout, isChosenByName: false)
      }
    }
    throw .unrecognisedTemplate(file: template.file, beginning: String(template.source.prefix(80)))
  }

  /// The format with this name, as usually published.
  ///
  /// - Parameter tokenizer: Where the texts of the first and last token come from; without it they
  ///   are the usual ones of the format.
  package static func named(
    _ name: String, for tokenizer: Tokenizer? = nil
  ) throws(ChatFormatError) -> ChatFormat {
    guard let type = layouts.first(where: { $0.name == name }) else { throw .unknownName(name) }
    var tokens = type.usualTokens
    if let tokenizer {
      let beginning = tokenizer.beginningOfSequenceID.flatMap(tokenizer.token)
      let end = tokenizer.endOfSequenceID.flatMap(tokenizer.token)
      tokens = SequenceTokens(beginning: beginning ?? "", end: end ?? "")
    }
    return ChatFormat(layout: type.init(tokens: tokens), isChosenByName: true)
  }

  /// A conversation in pieces: what the format writes, and what was said.
  ///
  /// - Parameter ending: What stands behind the last message.
  package func segments(
    _ messages: [ChatMessage], ending: ConversationEnding
  ) throws(ChatFormatError) -> [ChatSegment] {
    guard !messages.isEmpty else { throw .noMessages }
    if let index = messages.dropFirst().firstIndex(where: { $0.role == .system }) {
      throw .misplacedSystem(format: name, index: index)
    }
    var transcript = ChatTranscript()
    try layout.write(
      messages, addGenerationPrompt: ending == .generationPrompt, to: &transcript)
    guard ending == .openTurn else { return transcript.segments }
    // The mark that ends the turn stands behind the last that was said.
    let open = transcript.segments.lastIndex { $0.isAssistant && !$0.isSpecial }
    guard messages.last?.role == .assistant, messages.last?.content.stripped.isEmpty == false,
      let open
    else { throw .noOpenTurn }
    return Array(transcript.segments[...open])
  }

  /// A conversation as text, as transformers' `apply_chat_template(tokenize=False)` gives it.
  package func render(
    _ messages: [ChatMessage], ending: ConversationEnding = .generationPrompt
  ) throws(ChatFormatError) -> String {
    try segments(messages, ending: ending).map(\.text).joined()
  }

  /// A conversation as ids. Control tokens come only from the format: text that spells one in a
  /// message stays plain text, so no message can forge a turn.
  package func encode(
    _ messages: [ChatMessage], with tokenizer: Tokenizer,
    ending: ConversationEnding = .generationPrompt
  ) throws(ChatFormatError) -> [Int] {
    try checkTokens(of: tokenizer)
    let parts = try segments(messages, ending: ending).map {
      Tokenizer.InputPart(text: $0.text, parsesSpecial: $0.isSpecial)
    }
    let ids = tokenizer.encode(parts).flatMap(\.self)
    return prefix(before: ids, of: tokenizer) + ids
  }

  /// A whole conversation as ids, and which of them are the assistant's: its text and the mark that
  /// ends its turn, where training takes its loss.
  ///
  /// No token reaches across the start of an assistant's turn, so the ids before it are those that
  /// generation would start from.
  package func encodeForTraining(
    _ messages: [ChatMessage], with tokenizer: Tokenizer
  ) throws(ChatFormatError) -> (ids: [Int], isAssistant: [Bool]) {
    guard messages.contains(where: { $0.role == .assistant }) else { throw .noAssistantTurn }
    try checkTokens(of: tokenizer)
    var parts: [Tokenizer.InputPart] = []
    var runIsAssistant: [Bool] = []
    for segment in try segments(messages, ending: .none) {
      let startsRun = runIsAssistant.last != segment.isAssistant
      if startsRun { runIsAssistant.append(segment.isAssistant) }
      parts.append(
        Tokenizer.InputPart(
          text: segment.text, parsesSpecial: segment.isSpecial, startsAfresh: startsRun))
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

  /// The ids at which a reply ends: the turn's end, and the model's own ends of sequence.
  package func stopTokenIDs(with tokenizer: Tokenizer) -> [Int] {
    let turnEnd = tokenizer.id(of: layout.turnEnd)
    let others = tokenizer.endOfSequenceIDs.filter { $0 != turnEnd }
    return (turnEnd.map { [$0] } ?? []) + others
  }

  private func checkTokens(of tokenizer: Tokenizer) throws(ChatFormatError) {
    for token in layout.requiredTokens where tokenizer.id(of: token) == nil {
      throw .missingToken(format: name, token: token)
    }
  }

  private func prefix(before ids: [Int], of tokenizer: Tokenizer) -> [Int] {
    guard isChosenByName, let first = tokenizer.prefixIDs.first, ids.first != first else {
      return []
    }
    return tokenizer.prefixIDs
  }
}
