import ModelAccess

/// Counts a reply's tokens as they come: those of the model's thoughts against one budget, those of its
/// answer against another.
///
/// A model that opens no thoughts has its answer's budget alone. The mark that ends the thoughts counts to
/// them.
struct ThoughtMeter: Sendable {
  private let thoughts: Int
  private let answer: Int
  private var text: String
  private var place = Place.unsure
  private(set) var thoughtTokens = 0
  private(set) var answerTokens = 0

  private enum Place {
    /// So little text that thoughts may still be opened.
    case unsure
    case thinking, answering
  }

  /// - Parameters:
  ///   - thoughts: tokens of thoughts at most.
  ///   - answer: tokens of the answer at most.
  ///   - beginning: what the reply's text begins with, such as a mark that the template wrote.
  init(thoughts: Int, answer: Int, beginning: String) {
    self.thoughts = thoughts
    self.answer = answer
    text = beginning
    if Thoughts(separating: beginning).isOpen { place = .thinking }
  }

  /// Counts one more token.
  ///
  /// - Parameter piece: the text that it completes; it may be empty.
  /// - Returns: whether the reply ends with it.
  mutating func isSpent(by piece: String) -> Bool {
    switch place {
    case .answering:
      answerTokens += 1
    case .thinking:
      thoughtTokens += 1
      text += piece
      if piece.contains(where: ">]▷:".contains), !Thoughts(separating: text).isOpen {
        (place, text) = (.answering, "")
      }
    case .unsure:
      answerTokens += 1
      text += piece
      let found = Thoughts(separating: text)
      if found.isOpen || found.reasoning != nil {
        (thoughtTokens, answerTokens) = (answerTokens, 0)
        place = found.isOpen ? .thinking : .answering
      } else if Thoughts.isUndecided(text) {
        return false
      } else {
        (place, text) = (.answering, "")
      }
    }
    return place == .thinking ? thoughtTokens >= thoughts : answerTokens >= answer
  }
}
