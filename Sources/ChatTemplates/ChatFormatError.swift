package import Jinja
package import Tokenization

/// Why a conversation could not be written the way a model expects.
package enum ChatFormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The folder holds no chat template.
  case noTemplate(folder: String)
  /// The template is none of the formats known here.
  case unrecognisedTemplate(file: String, beginning: String)
  /// The template has a known format's markers, but writes what the format cannot.
  case unsupportedTemplate(file: String, format: String, reason: String)
  /// No format has this name.
  case unknownName(String)
  /// The model's template cannot be read, or refuses the conversation.
  case template(file: String, TemplateError)
  /// A file beside the template is malformed.
  case configuration(TokenizerError)
  /// There is nothing to write.
  case noMessages
  /// The format has no place for a system message.
  case systemNotSupported(format: String)
  /// A system message stands elsewhere than first.
  case misplacedSystem(format: String, index: Int)
  /// User and assistant do not take turns, user first.
  case rolesMustAlternate(format: String, index: Int, expected: String, found: String)
  /// Nothing to learn from: no message is the assistant's.
  case noAssistantTurn
  /// There is no turn of the assistant's to be continued.
  case noOpenTurn
  /// The format's marker is not a token of this tokenizer.
  case missingToken(format: String, token: String)

  package var description: String {
    let names = ChatFormat.names.joined(separator: ", ")
    switch self {
    case .noTemplate(let folder):
      return "\(folder): no chat template (chat_template.jinja, or chat_template in "
        + "tokenizer_config.json); choose a chat format by name: \(names)"
    case .unrecognisedTemplate(let file, let beginning):
      return "\(file): the chat template is none of \(names); it begins "
        + "\(beginning.debugDescription). Choose the format it comes closest to by name"
    case .unsupportedTemplate(let file, let format, let reason):
      return "\(file): the chat template looks like \(format), but \(reason); choose a chat format "
        + "by name if that does not matter: \(names)"
    case .unknownName(let name):
      return "no chat format is called \(name.debugDescription); expected one of \(names)"
    case .template(let file, let error): return "\(file): \(error)"
    case .configuration(let error): return error.description
    case .noMessages: return "expected at least one message, found an empty conversation"
    case .systemNotSupported(let format):
      return "this model's \(format) template takes no system message; put its text into the first "
        + "user message"
    case .misplacedSystem(let format, let index):
      return "message \(index) is a system message; \(format) takes one only at the start"
    case .rolesMustAlternate(let format, let index, let expected, let found):
      return "message \(index) is from the \(found); \(format) expects \(expected) there, "
        + "since user and assistant take turns"
    case .noAssistantTurn:
      return "expected an assistant message to learn from, found none in the conversation"
    case .noOpenTurn:
      return "expected the last message to be the assistant's, with a text to be continued"
    case .missingToken(let format, let token):
      return "the chat format \(format) needs the token \(token.debugDescription), which this "
        + "tokenizer does not have; choose the format that the model was trained with"
    }
  }
}
