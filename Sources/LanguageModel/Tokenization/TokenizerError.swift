/// What can be wrong with a model's tokenizer files.
public enum TokenizerError: Error, Equatable, CustomStringConvertible {
  case unreadable(file: String, reason: String)
  case missing(file: String, what: String, expected: String)
  case unsupported(file: String, component: String)
  case unknownToken(file: String, what: String, token: String)
  case duplicateID(file: String, id: Int, tokens: [String])
  case invalidPattern(file: String, pattern: String)
  case unrecognisedTemplate(folder: String)
  case noTemplate(folder: String)
  case unknownFormat(name: String)
  case invalidConversation(format: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "\(file): expected a Hugging Face tokenizer.json: \(reason)"
    case .missing(let file, let what, let expected):
      "\(file): expected \(what) to be \(expected); the file is not whole"
    case .unsupported(let file, let component):
      "\(file): \(component) is not supported; serve this model with another server and pass its "
        + "--endpoint"
    case .unknownToken(let file, let what, let token):
      "\(file): \(what) names the token \"\(token)\", which the vocabulary does not have"
    case .duplicateID(let file, let id, let tokens):
      "\(file): expected each id once, found \(id) for \(tokens.sorted())"
    case .invalidPattern(let file, let pattern):
      "\(file): expected a regular expression, found \(pattern)"
    case .unrecognisedTemplate(let folder):
      "\(folder): its chat_template is none of "
        + ChatFormat.names.joined(separator: ", ")
        + "; choose one with --chat-format, or serve the model with another server"
    case .noTemplate(let folder):
      "\(folder): it has no chat template (chat_template.jinja, or chat_template in "
        + "tokenizer_config.json); choose one of \(ChatFormat.names.joined(separator: ", ")) with "
        + "--chat-format"
    case .unknownFormat(let name):
      "there is no chat format \(name); expected one of \(ChatFormat.names.joined(separator: ", "))"
    case .invalidConversation(let format, let reason):
      "the \(format) chat format cannot express this conversation: \(reason)"
    }
  }
}
