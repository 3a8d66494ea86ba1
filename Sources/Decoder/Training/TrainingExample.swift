package import ChatTemplates
import ModelAccess
import Support
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

  /// Tokens that a step over it reads.
  package var tokenCount: Int { examples.reduce(0) { $0 + $1.tokens.count } }
}

/// A training set as a model reads it.
package struct TrainingItems: Equatable, Sendable {
  package var items: [TrainingItem] = []
  /// Dialogues that were cut to the longest that is allowed, those left out among them.
  package var truncated = 0
  /// Dialogues of which the cut left nothing of a reply.
  package var leftOut = 0
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// What to tell of the cuts; nil where there were none.
  package var note: String? {
    guard truncated > 0 else { return nil }
    let all = items.count + leftOut
    let cut = "\(truncated) of \(all) dialogues were cut to \(limit) tokens"
    guard leftOut > 0 else { return cut }
    return "\(cut); \(leftOut) of them lost their reply and were left out"
  }
}

extension TrainingSet {
  /// The set's dialogues as a model reads them. Where the recipe truncates, a dialogue that is cut before
  /// its reply is left out and counted: there is nothing to learn from it.
  ///
  /// - Throws: `TrainingError` where a dialogue has no assistant's turn, is longer than the recipe
  ///   allows, gives tokens that the model does not have, or is of another kind than the objective
  ///   needs, where the model's chat format cannot write it, or where nothing is left.
  package func items(
    format: ChatFormat, tokenizer: Tokenizer, recipe: TrainingRecipe,
    shape: DecoderShape
  ) throws -> TrainingItems {
    let limit = recipe.maxLength ?? shape.contextLength
    if limit > shape.contextLength {
      throw TrainingError.invalidSetting(
        name: "max length",
        expected: "at most the model's context of \(shape.contextLength)",
        found: "\(limit)")
    }
    guard !dialogues.isEmpty else { throw TrainingError.emptyDataset(source: source) }
    func encoded(_ messages: [ChatMessage], _ place: RecordPlace) throws(TrainingError) -> (
      ids: [Int], isAssistant: [Bool]
    ) {
      do throws(ChatFormatError) {
        return try format.encodeForTraining(messages, with: tokenizer)
      } catch {
        throw .unwritable(source: source, place: place, reason: "\(error)")
      }
    }
    /// A dialogue's tokens, and whether they were cut.
    func example(
      _ messages: [ChatMessage], _ place: RecordPlace
    ) throws -> (example: TrainingExample, isCut: Bool) {
      guard messages.contains(where: { $0.role == .assistant }) else {
        throw TrainingError.noAssistantTurn(source: source, place: place)
      }
      var (ids, isLabel) = try encoded(messages, place)
      if let id = ids.first(where: { $0 >= shape.vocabularySize }) {
        throw TrainingError.tokenOutOfRange(id: id, vocabularySize: shape.vocabularySize)
      }
      guard TrainingExample(tokens: ids, isLabel: isLabel).labelCount > 0 else {
        throw TrainingError.noAssistantTurn(source: source, place: place)
      }
      let isCut = ids.count > limit
      if isCut {
        guard recipe.truncates else {
          throw TrainingError.tooLong(
            source: source, place: place, tokens: ids.count, limit: limit)
        }
        ids.removeLast(ids.count - limit)
        isLabel.removeLast(isLabel.count - limit)
      }
      return (TrainingExample(tokens: ids, isLabel: isLabel), isCut)
    }
    var result = TrainingItems(limit: limit)
    for (index, dialogue) in dialogues.enumerated() {
      let place = place(of: index)
      try requireKind(of: dialogue, at: place, for: recipe.objective)
      let read = try ([dialogue.messages] + (dialogue.rejected.map { [$0] } ?? []))
        .map { try example($0, place) }
      if read.contains(where: \.isCut) { result.truncated += 1 }
      let examples = read.map(\.example)
      guard examples.allSatisfy({ $0.labelCount > 0 }) else {
        result.leftOut += 1
        continue
      }
      result.items.append(
        examples.count == 2
          ? .pair(chosen: examples[0], rejected: examples[1]) : .sequence(examples[0]))
    }
    guard !result.items.isEmpty else {
      throw TrainingError.allTruncated(source: source, limit: limit)
    }
    return result
  }

  /// Refuses pairs where one reply would be learned and the other lost in silence, and dialogues where
  /// pairs are compared.
  private func requireKind(
    of dialogue: Dialogue, at place: RecordPlace, for objective: TrainingRecipe.Objective
  ) throws(TrainingError) {
    switch (objective, dialogue.rejected) {
    case (.supervised, nil), (.preference, _?): break
    case (.supervised, _?):
      throw .wrongKindOfData(
        source: source,
        expected: "dialogues for the objective supervised",
        found:
          "a pair of a chosen and a rejected reply (\(place)); train with --objective preference "
          + "(in a recipe \"objective\": \"preference\"), or give the chosen replies alone")
    case (.preference, nil):
      throw .wrongKindOfData(
        source: source, expected: "pairs of a chosen and a rejected reply",
        found: "a dialogue without a rejected reply (\(place))")
    }
  }
}
