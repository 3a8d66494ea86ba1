import ModelAccess

/// A piece of a conversation as a model reads it.
package struct ChatSegment: Hashable, Sendable {
  package var text: String
  /// Written by the format, so that control tokens spelled in it count; what people typed is not.
  package var isSpecial: Bool
  /// Part of what the assistant says, with the mark that ends its turn: where training takes its
  /// loss.
  package var isAssistant: Bool

  package init(text: String, isSpecial: Bool, isAssistant: Bool) {
    self.text = text
    self.isSpecial = isSpecial
    self.isAssistant = isAssistant
  }
}

/// What stands behind the last message of a conversation.
package enum ConversationEnding: Hashable, Sendable {
  /// What makes the model answer.
  case generationPrompt
  /// Nothing, not even the end of the last turn, which is the assistant's: the model continues it.
  case openTurn
  /// Nothing: the conversation is over.
  case none
}

/// The texts of the tokens around a sequence; empty where the model has none.
struct SequenceTokens: Hashable, Sendable {
  var beginning: String
  var end: String
}

/// One family of chat templates.
protocol ChatLayout: Sendable {
  /// The name it is chosen by.
  static var name: String { get }
  /// The tokens a file's own template is expected to use where nothing says otherwise.
  static var usualTokens: SequenceTokens { get }

  /// The family as usually published.
  init(tokens: SequenceTokens)

  /// The family as this template writes it; nil where the template is of another.
  init?(template: ChatTemplate) throws(ChatFormatError)

  /// Texts that must be tokens of the model.
  var requiredTokens: [String] { get }
  /// The token that ends the assistant's turn.
  var turnEnd: String { get }

  func write(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, to transcript: inout ChatTranscript
  ) throws(ChatFormatError)
}

/// Segments being written one after the other.
struct ChatTranscript {
  private(set) var segments: [ChatSegment] = []

  /// Adds a marker of the format's own.
  mutating func mark(_ text: String, isAssistant: Bool = false) {
    append(ChatSegment(text: text, isSpecial: true, isAssistant: isAssistant))
  }

  /// Adds what somebody said.
  mutating func say(_ text: String, isAssistant: Bool = false) {
    append(ChatSegment(text: text, isSpecial: false, isAssistant: isAssistant))
  }

  private mutating func append(_ segment: ChatSegment) {
    guard !segment.text.isEmpty else { return }
    if let last = segments.last, last.isSpecial == segment.isSpecial,
      last.isAssistant == segment.isAssistant
    {
      segments[segments.count - 1].text += segment.text
    } else {
      segments.append(segment)
    }
  }
}

/// Turns that a format writes in pairs: an optional system message, then user and assistant
/// alternating.
struct AlternatingTurns {
  var system: String?
  var turns: ArraySlice<ChatMessage>

  init(_ messages: [ChatMessage], format: String) throws(ChatFormatError) {
    turns = messages[...]
    if let first = messages.first, first.role == .system {
      system = first.content
      turns = turns.dropFirst()
    }
    for (offset, message) in turns.enumerated() {
      let expected: ChatMessage.Role = offset.isMultiple(of: 2) ? .user : .assistant
      guard message.role == expected else {
        throw .rolesMustAlternate(
          format: format, index: turns.startIndex + offset, expected: expected.rawValue,
          found: message.role.rawValue)
      }
    }
  }
}

extension String {
  /// Without white space at both ends, as Python's `strip` and Jinja's `trim` count it.
  var stripped: String {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }
    var scalars = unicodeScalars.drop(while: isSpace)
    while let last = scalars.last, isSpace(last) { scalars.removeLast() }
    return String(scalars)
  }

  func stripped(if condition: Bool) -> String { condition ? stripped : self }
}
