package import Support

/// What can be wrong with training, its data or its settings.
package enum TrainingError: Error, Equatable, CustomStringConvertible {
  case invalidSetting(name: String, expected: String, found: String)
  case emptyDataset(source: String)
  case malformed(source: String, place: RecordPlace, expected: String, found: String)
  case unreadable(source: String, reason: String)
  case noAssistantTurn(source: String, place: RecordPlace)
  /// The model's chat format refuses a dialogue.
  case unwritable(source: String, place: RecordPlace, reason: String)
  case wrongKindOfData(source: String, expected: String, found: String)
  case tooLong(source: String, place: RecordPlace, tokens: Int, limit: Int)
  /// Of every dialogue nothing of a reply is left.
  case allTruncated(source: String, limit: Int)
  case tokenOutOfRange(id: Int, vocabularySize: Int)
  case unknownTarget(name: String, available: [String])
  case tooFewToMix(source: String, expected: Int, found: Int)
  case notANumber(step: Int, what: String)

  package var description: String {
    switch self {
    case .invalidSetting(let name, let expected, let found):
      "\(name): expected \(expected), found \(found)"
    case .emptyDataset(let source):
      "\(source): expected at least one dialogue to train on, found none"
    case .malformed(let source, let place, let expected, let found):
      "\(source), \(place): expected \(expected), found \(found)"
    case .unreadable(let source, let reason):
      "\(source): expected a training set; \(reason)"
    case .noAssistantTurn(let source, let place):
      "\(source), \(place): expected a turn of the assistant, found none; training "
        + "takes its loss on those alone"
    case .unwritable(let source, let place, let reason):
      "\(source), \(place): cannot be written for this model: \(reason)"
    case .wrongKindOfData(let source, let expected, let found):
      "\(source): expected \(expected), found \(found)"
    case .allTruncated(let source, let limit):
      "\(source): expected something of a reply within \(limit) tokens, found none in any dialogue; "
        + "raise --max-length where the model's context allows, or shorten the prompts"
    case .tooLong(let source, let place, let tokens, let limit):
      "\(source), \(place): has \(tokens) tokens, the limit is \(limit); shorten it, "
        + "raise --max-length where the model's context allows, or cut with --truncate"
    case .tokenOutOfRange(let id, let vocabularySize):
      "token \(id) is outside the model's vocabulary of \(vocabularySize); the tokenizer does not "
        + "belong to this model"
    case .unknownTarget(let name, let available):
      "there is no linear layer \(name) to adapt; this model has \(available.joined(separator: ", "))"
    case .tooFewToMix(let source, let expected, let found):
      "\(source): expected \(expected) dialogues or more to mix in, found \(found); lower the share"
    case .notANumber(let step, let what):
      "\(what) is not a number at step \(step); lower --learning-rate, or check the data"
    }
  }
}
