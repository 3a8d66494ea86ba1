/// A reply as words: of which phrases are made, with the sentences that they stand in.
///
/// Contractions are written out ("can't" is "can not", "I'm" is "i am"), apostrophes inside words
/// left out, and each character of a script that writes no spaces is a word of its own.
struct Wording {
  struct Word {
    /// In the vocabulary, exactly and by its beginnings; empty where the word is in no phrase.
    var ids: [Int32]
    /// Place in the normalised bytes.
    var range: Range<Int>
    var sentence: Int32
    /// A punctuation mark follows.
    var endsClause: Bool
  }

  struct Sentence {
    var words: Range<Int>
    /// Begins with a number or bullet of a list, or stands in a table or block of code.
    var isItem: Bool
    var isQuoted: Bool
    var isQuestion: Bool
    var endsWithColon: Bool
  }

  /// Longer replies end with a mark unless they were cut.
  private static let cutWords = 30

  private(set) var words: [Word] = []
  private(set) var sentences: [Sentence] = []

  init(_ text: NormalisedText, _ vocabulary: Vocabulary) {
    var scanner = WordScanner(text)
    var first = 0
    var flags = (isItem: false, isQuoted: false)
    func finish(_ mark: UInt8) {
      if words.count > first {
        sentences.append(
          Sentence(
            words: first..<words.count, isItem: flags.isItem, isQuoted: flags.isQuoted,
            isQuestion: mark == UInt8(ascii: "?"), endsWithColon: mark == UInt8(ascii: ":")))
        words[words.count - 1].endsClause = true
        first = words.count
        flags = (false, false)
      }
    }
    while let piece = scanner.next() {
      switch piece {
      case .word(let bytes, let range, let hasApostrophe):
        for part in Contractions.parts(bytes, hasApostrophe, before: scanner.following) {
          words.append(
            Word(
              ids: vocabulary.ids(part), range: range, sentence: Int32(sentences.count),
              endsClause: false))
        }
      case .end(let mark): finish(mark)
      case .item: if words.count == first { flags.isItem = true }
      case .quote: if words.count == first { flags.isQuoted = true }
      case .pause: if words.count > first { words[words.count - 1].endsClause = true }
      }
    }
    let isWhole = first == words.count
    finish(0)
    // A long reply that ends without a mark was cut: "I am not" may have gone on in any way.
    if let last = words.last, words.count > Self.cutWords, !isWhole,
      text.bytes[last.range.lowerBound] < 0x80
    {
      words[words.count - 1].endsClause = false
    }
  }
}

/// The words that occur in phrases, by number; those that end in `*` stand for every word with that
/// beginning.
struct Vocabulary {
  private var exact: [ArraySlice<UInt8>: Int32] = [:]
  private var beginnings: [ArraySlice<UInt8>: Int32] = [:]
  private var lengths: [Int] = []
  private var count: Int32 = 0

  mutating func add(_ word: ArraySlice<UInt8>, isBeginning: Bool) -> Int32 {
    if let known = isBeginning ? beginnings[word] : exact[word] { return known }
    count += 1
    if isBeginning {
      beginnings[word] = count
      if !lengths.contains(word.count) { lengths.append(word.count) }
    } else {
      exact[word] = count
    }
    return count
  }

  func ids(_ word: ArraySlice<UInt8>) -> [Int32] {
    var ids: [Int32] = []
    if let id = exact[word] { ids.append(id) }
    for length in lengths where length <= word.count {
      if let id = beginnings[word.prefix(length)] { ids.append(id) }
    }
    return ids
  }
}
