import ModelAccess

/// What a reply's thoughts and its answer may take each, where the server has one limit for both.
///
/// The server is asked for the sum. Of what arrives the answer is held to its own part, so that replies of
/// models that think long and of those that think little are equally long where they are judged; and an
/// answer that its thoughts left too little room for is none.
struct ReasoningBudget: Hashable, Sendable {
  var answer: Int
  var thoughts: Int

  /// nil where both share one limit.
  init?(_ decoding: Decoding) {
    guard let thoughts = decoding.maxReasoningTokens else { return nil }
    answer = decoding.maxTokens
    self.thoughts = thoughts
  }

  /// What a reply came to.
  struct Spent {
    var finish: String?
    /// The thoughts' text, where the server gives it.
    var reasoning: String?
    var answer: String
    /// All tokens, and those of thoughts, as the server counts them.
    var completionTokens: Int?
    var reasoningTokens: Int?

    /// Tokens of the thoughts: the server's count, else by how much of the text they are. nil where nothing
    /// tells.
    fileprivate var thoughtTokens: Int? {
      guard let completionTokens else { return nil }
      if let reasoningTokens { return min(reasoningTokens, completionTokens) }
      let inside = ReasoningBudget.size(of: reasoning ?? "")
      let all = inside + ReasoningBudget.size(of: answer)
      return all > 0
        ? Int((Double(completionTokens) * Double(inside) / Double(all)).rounded()) : 0
    }
  }

  enum Verdict: Equatable {
    case keeps
    /// The answer's part that is within its budget.
    case answersTooLong(String)
    /// Why there is no answer to judge.
    case endsInThoughts(String)
  }

  func verdict(on spent: Spent) -> Verdict {
    guard let all = spent.completionTokens, let thought = spent.thoughtTokens else { return .keeps }
    let isCut = spent.finish == "length"
    // A template that opens the thoughts leaves them without a mark until they end.
    let showsThoughts = !(spent.reasoning ?? "").isEmpty || spent.reasoningTokens != nil
    if isCut, !showsThoughts, all >= answer + thoughts {
      return .endsInThoughts(
        "the model used up \(all) tokens and shows no end of its reasoning; raise --max-reasoning-tokens, or "
          + "leave it out for a model that does not think")
    }
    let visible = all - thought
    if isCut, thought > thoughts, visible < answer {
      return .endsInThoughts(
        "the model's reasoning took \(thought) tokens of \(thoughts) and cut its answer short after "
          + "\(visible) of \(answer); raise --max-reasoning-tokens")
    }
    guard visible > answer else { return .keeps }
    return .answersTooLong(
      Self.beginning(of: spent.answer, share: Double(answer) / Double(visible)))
  }

  /// How much a text is in pieces of words, as tokens are: a short word is one, a longer one one for each five
  /// bytes. Only shares are made of it.
  private static func size(of text: some StringProtocol) -> Int {
    text.split(whereSeparator: \.isWhitespace).reduce(0) { $0 + size(ofWord: $1.utf8.count) }
  }

  private static func size(ofWord bytes: Int) -> Int { max(1, (bytes + 4) / 5) }

  /// A share of a text: whole words, but for ones so long that they are a language's without blanks.
  private static func beginning(of text: String, share: Double) -> String {
    var room = Double(size(of: text)) * share
    var end = text.startIndex
    for word in text.split(whereSeparator: \.isWhitespace) {
      let size = Double(size(ofWord: word.utf8.count))
      if size > room {
        let cut = word.prefix(Int(Double(word.count) * room / size))
        return size > 8 ? String(text[..<cut.endIndex]) : String(text[..<end])
      }
      room -= size
      end = word.endIndex
    }
    return text
  }
}
