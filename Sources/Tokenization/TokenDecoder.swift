/// Turns ids into text as they are generated: the pieces it returns, joined, are exactly what
/// `Tokenizer.decode` makes of all the ids. Bytes of a character that is not complete yet are held
/// back, so a piece never ends inside a character.
package struct TokenDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  private var stages: [DecodingStage]

  package init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    skipsSpecialTokens = skipSpecialTokens
    stages = tokenizer.decodingStages
  }

  /// The text that this token completes; empty while a character is incomplete. Ids outside the
  /// vocabulary, such as the padding rows of an embedding matrix, give none.
  package mutating func append(_ id: Int) -> String {
    guard let token = tokenizer.token(of: id),
      !(skipsSpecialTokens && tokenizer.isSpecial(id))
    else { return "" }
    return push([tokenizer.normalizedForms[id] ?? token], from: 0)
  }

  /// The text that was held back, once no more tokens come.
  package mutating func finish() -> String {
    var text = ""
    for index in stages.indices {
      text += push(stages[index].finish(), from: index + 1)
    }
    return text
  }

  private mutating func push(_ fragments: [String], from first: Int) -> String {
    var fragments = fragments
    for index in stages.indices.dropFirst(first) {
      var passed: [String] = []
      for fragment in fragments { passed.append(contentsOf: stages[index].push(fragment)) }
      fragments = passed
    }
    return fragments.joined()
  }
}
