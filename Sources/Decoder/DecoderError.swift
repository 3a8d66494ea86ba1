/// What can be wrong with a model, its files or what it is asked.
package enum DecoderError: Error, Equatable, CustomStringConvertible {
  case unreadableConfiguration(file: String, reason: String)
  case unsupportedArchitecture(file: String, found: String)
  case unsupportedSetting(file: String, field: String, found: String)
  case invalidSetting(file: String, field: String, found: String, expected: String)
  case missingTensor(name: String, expected: [Int], folder: String)
  case unexpectedShape(name: String, expected: [Int], found: [Int])
  case unsupportedElementType(name: String, found: String)
  case updateForUnknownTensor(name: String)
  case updateOfUnexpectedShape(name: String, expected: [Int], found: [Int])
  case emptyPrompt
  case promptTooLong(tokens: Int, newTokens: Int, limit: Int, setBy: String)
  case tokenOutOfRange(id: Int, vocabularySize: Int)
  case unexpectedScaleCount(expected: Int, found: Int)
  case notANumber(position: Int)
  case stopped

  package var description: String {
    switch self {
    case .unreadableConfiguration(let file, let reason):
      "\(file): expected a JSON object with the model's settings; \(reason)"
    case .unsupportedArchitecture(let file, let found):
      "\(file): expected model_type to be one of "
        + DecoderFamily.all.flatMap(\.modelTypes).joined(separator: ", ")
        + ", found \(found); serve this model with \(OtherServers.of(modelType: found)) and pass its "
        + "--endpoint"
    case .unsupportedSetting(let file, let field, let found):
      "\(file): \(field) is \(found), which the embedded decoder does not compute; serve this "
        + "model with another server and pass its --endpoint"
    case .invalidSetting(let file, let field, let found, let expected):
      "\(file): expected \(field) to be \(expected), found \(found)"
    case .missingTensor(let name, let expected, let folder):
      "\(folder): expected a tensor \(name) of shape \(expected), found none; is the folder whole, "
        + "and does config.json belong to it?"
    case .unexpectedShape(let name, let expected, let found):
      "\(name): expected shape \(expected) from config.json, found \(found) in the weights"
    case .unsupportedElementType(let name, let found):
      "\(name): expected F32, F16 or BF16, found \(found); convert the checkpoint first"
    case .updateForUnknownTensor(let name):
      "an update changes \(name), which this model does not multiply by; was it made for another "
        + "model?"
    case .updateOfUnexpectedShape(let name, let expected, let found):
      "an update of \(name) has shape \(found), the model's weight \(expected); was it made for "
        + "another model?"
    case .emptyPrompt:
      "the prompt has no tokens; at least one is needed"
    case .promptTooLong(let tokens, let newTokens, let limit, let origin):
      // Clients know this kind of error by its first words.
      "this model's maximum context length is \(limit) tokens, but the prompt has \(tokens), and "
        + "\(newTokens) new ones are asked for; shorten the prompt or lower max_tokens (the limit is "
        + "set by \(origin))"
    case .tokenOutOfRange(let id, let vocabularySize):
      "token id \(id) is outside the vocabulary of \(vocabularySize); does the tokenizer belong to "
        + "this model?"
    case .unexpectedScaleCount(let expected, let found):
      "expected a scale for each of the \(expected) loaded updates, found \(found)"
    case .notANumber(let position):
      "the logits at position \(position) are not numbers; the weights or an update's scale are out "
        + "of range"
    case .stopped:
      "the model was shut down before the request was done"
    }
  }
}
