package import Jinja
package import Tokenization

/// Why a conversation could not be written the way a model expects.
package enum ChatFormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The folder holds no chat template.
  case noTemplate(folder: String)
  /// No format has this name.
  case unknownName(String)
  /// A template's file cannot be read.
  case unreadable(file: String, reason: String)
  /// The template cannot be read, or refuses the conversation.
  case template(file: String, TemplateError)
  /// A file beside the template is malformed.
  case configuration(TokenizerError)
  /// Nothing to learn from: no message is the assistant's.
  case noAssistantTurn
  /// There is no turn of the assistant's to be continued.
  case noOpenTurn
  /// The template does not write a message's text.
  case lostText(file: String, message: Int)
  /// The template's blocks of what the model writes hold nothing of a conversation.
  case noGeneration(file: String)
  /// It cannot be told where a reply begins.
  case unclearReply(file: String, message: Int, reason: String)
  /// The format's marker is not a token of this tokenizer.
  case missingToken(format: String, token: String)
  /// A template cannot be given such a variable.
  case argument(name: String, reason: String)
  /// The template reads no variable of this name.
  case unreadArgument(file: String, name: String)

  /// The same for those whom it does not concern where the template stands: a server's clients.
  package var withoutPlaces: String {
    switch self {
    case .template(_, let refusal):
      refusal.kind == .raised ? "\(refusal)" : "the model's chat template fails: \(refusal)"
    case .lostText(_, let message):
      "the model's chat template leaves out the text of message \(message)"
    default: description
    }
  }

  package var description: String {
    let names = NamedFormat.names.joined(separator: ", ")
    switch self {
    case .noTemplate(let folder):
      return "\(folder): no chat template (chat_template.jinja, or chat_template in "
        + "tokenizer_config.json); give one with --template FILE, or choose a chat format by name: "
        + names
    case .unknownName(let name):
      return "no chat format is called \(name.debugDescription); expected one of \(names)"
    case .unreadable(let file, let reason):
      return "\(file): expected a chat template; \(reason)"
    case .template(let file, let error): return "\(file): \(error)"
    case .configuration(let error): return error.description
    case .noAssistantTurn:
      return "expected a message of the assistant's to learn from, found none"
    case .noOpenTurn:
      return "expected the last message to be the assistant's, with a text to be continued"
    case .lostText(let file, let message):
      return "\(file): the template leaves out the text of message \(message)"
    case .noGeneration(let file):
      return
        "\(file): the template's generation blocks, which say what the model writes, hold nothing "
        + "of this conversation"
    case .unclearReply(let file, let message, let reason):
      return
        "\(file): it cannot be told what of message \(message) the model is to learn: \(reason); "
        + "mark what the model writes with generation blocks in a template of your own"
    case .missingToken(let format, let token):
      return "the chat format \(format) needs the token \(token.debugDescription), which this "
        + "tokenizer does not have; choose the format that the model was trained with"
    case .argument(let name, let reason):
      return "the template argument \(name.prefix(100).debugDescription): \(reason)"
    case .unreadArgument(let file, let name):
      return
        "\(file): the template reads no variable \(name); an argument of that name would change "
        + "nothing"
    }
  }
}
