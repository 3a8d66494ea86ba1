package import ChatTemplates
import ModelAccess
package import Tokenization

/// One sequence to learn from.
package struct TrainingExample: Equatable, Sendable {
  package var tokens: [Int]
  /// Which tokens the loss is taken on; the first never is, since nothing predicts it.
  package var isLabel: [Bool]

  /// - Precondition: as many flags as tokens.
  package init(tokens: [Int], isLabel: [Bool]) {
    precondition(tokens.count == isLabel.count)
    self.tokens = tokens
    self.isLabel = isLabel
  }

  /// How many tokens are predicted for the loss.
  package var labelCount: Int { isLabel.dropFirst().count(where: \.self) }
}

/// What one step of training learns from: sequences for the supervised objective, pairs of a chosen
/// and a rejected one for the preference objective.
package enum TrainingItem: Equatable, Sendable {
  case sequence(TrainingExample)
  case pair(chosen: TrainingExample, rejected: TrainingExample)

  var examples: [TrainingExample] {
    switch self {
    case .sequence(let example): [example]
    case .pair(let chosen, let rejected): [chosen, rejected]
    }
  }
}

extension TrainingSet {
  /// The set's dialogues as a model reads them.
  ///
  /// - Throws: `TrainingError` where a dialogue has no assistant's turn, is longer than the recipe
  ///   allows, or gives tokens that the model does not have; `ChatFormatError` where the model's
  ///   chat format cannot write it.
  package func items(
    format: ChatFormat, tokenizer: Tokenizer, recipe: TrainingRecipe,
    shape: DecoderShape
  ) throws -> [TrainingItem] {
    let limit = recipe.maxLength ?? shape.contextLength
    if limit > shape.contextLength {
      throw TrainingError.invalidSetting(
        name: "max length",
        expected: "at most the model's context of \(shape.contextLength)",
        found: "\(limit)")
    }
    guard !dialogues.isEmpty else { throw TrainingError.emptyDataset(source: source) }
    func example(_ messages: [ChatMessage], _ index: Int) throws -> TrainingExample {
      guard messages.contains(where: { $0.role == .assistant }) else {
        throw TrainingError.noAssistantTurn(source: source, index: index)
      }
      var (ids, isLabel) = try format.encodeForTraining(messages, with: tokenizer)
      if ids.count > limit {
        guard recipe.truncates else {
          throw TrainingError.tooLong(
            source: source, index: index, tokens: ids.count, limit: limit)
        }
        ids.removeLast(ids.count - limit)
        isLabel.removeLast(isLabel.count - limit)
      }
      if let id = ids.first(where: { $0 >= shape.vocabularySize }) {
        throw TrainingError.tokenOutOfRange(id: id, vocabularySize: shape.vocabularySize)
      }
      let example = TrainingExample(tokens: ids, isLabel: isLabel)
      guard example.labelCount > 0 else {
        throw TrainingError.noAssistantTurn(source: source, index: index)
      }
      return example
    }
    return try dialogues.enumerated().map { index, dialogue in
      let chosen = try example(dialogue.messages, index)
      switch (recipe.objective, dialogue.rejected) {
      case (.supervised, _): return .sequence(chosen)
      case (.preference, let rejected?):
        return .pair(chosen: chosen, rejected: try example(rejected, index))
      case (.preference, nil):
        throw TrainingError.wrongKindOfData(
          source: source, expected: "pairs of a chosen and a rejected reply",
          found: "a dialogue without a rejected reply (number \(index + 1))")
      }
    }
  }
}
