/// What can be wrong with training, its data or its settings.
package enum TrainingError: Error, Equatable, CustomStringConvertible {
  case invalidSetting(name: String, expected: String, found: String)
  case emptyDataset(source: String)
  case malformedLine(source: String, line: Int, expected: String, found: String)
  case unreadable(source: String, reason: String)
  case noAssistantTurn(source: String, index: Int)
  case wrongKindOfData(source: String, expected: String, found: String)
  case tooLong(source: String, index: Int, tokens: Int, limit: Int)
  case tokenOutOfRange(id: Int, vocabularySize: Int)
  case unknownTarget(name: String, available: [String])
  case notANumber(step: Int, what: String)

  package var description: String {
    switch self {
    case .invalidSetting(let name, let expected, let found):
      "\(name): expected \(expected), found \(found)"
    case .emptyDataset(let source):
      "\(source): expected at least one dialogue to train on, found none"
    case .malformedLine(let source, let line, let expected, let found):
      "\(source), entry \(line): expected \(expected), found \(found)"
    case .unreadable(let source, let reason):
      "\(source): expected a training set; \(reason)"
    case .noAssistantTurn(let source, let index):
      "\(source), dialogue \(index + 1): expected a turn of the assistant, found none; training "
        + "takes its loss on those alone"
    case .wrongKindOfData(let source, let expected, let found):
      "\(source): expected \(expected), found \(found)"
    case .tooLong(let source, let index, let tokens, let limit):
      "\(source), dialogue \(index + 1): has \(tokens) tokens, the limit is \(limit); shorten it, or "
        + "raise --max-length where the model's context allows"
    case .tokenOutOfRange(let id, let vocabularySize):
      "token \(id) is outside the model's vocabulary of \(vocabularySize); the tokenizer does not "
        + "belong to this model"
    case .unknownTarget(let name, let available):
      "there is no linear layer \(name) to adapt; this model has \(available.joined(separator: ", "))"
    case .notANumber(let step, let what):
      "\(what) is not a number at step \(step); lower --learning-rate, or check the data"
    }
  }
}
