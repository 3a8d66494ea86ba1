/// A reply as words: of which phrases are made, with the sentences that they stand in.
///
/// Contractions are written out ("can't" is "can not", "I'm" is "i am"), apostrophes inside words
/// left out, and each character of a script that writes no spaces is a word of its own.
struct Wording {
  struct Word {
    /// Places in the wording's `ids`: the word in the vocabulary, exactly and by its beginnings; empty
    /// where it is in no phrase.
    var ids: Range<Int32>
    /// Only lends weight to what stands beside it.
    var isFiller: Bool
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
  /// Of all words, one after the other: in arrays of their own each look at a word would count references.
  private(set) var ids: [Int32] = []
  private(set) var sentences: [Sentence] = []
  /// What words of phrases each sentence has.
  private(set) var marks: [WordMarks] = []

  init(_ text: NormalisedText, _ vocabulary: Vocabulary) {
    var scanner = WordScanner(text)
    // Words of five bytes, of which most are in some phrase.
    words.reserveCapacity(text.bytes.count / 5)
    ids.reserveCapacity(text.bytes.count / 5)
    sentences.reserveCapacity(8)
    marks.reserveCapacity(8)
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
    func append(_ word: ArraySlice<UInt8>, _ range: Range<Int>) {
      let first = ids.count
      vocabulary.appendIDs(of: word, to: &ids)
      if marks.count == sentences.count { marks.append(WordMarks()) }
      for place in first..<ids.count { marks[sentences.count].insert(ids[place]) }
      words.append(
        Word(
          ids: Int32(first)..<Int32(ids.count),
          isFiller: (first..<ids.count).contains { vocabulary.isFiller(ids[$0]) }, range: range,
          sentence: Int32(sentences.count), endsClause: false))
    }
    while let piece = scanner.next() {
      switch piece {
      case .word(let bytes, let range, let hasApostrophe):
        let parts = Contractions.parts(
          bytes, hasApostrophe, isBeforeNot: scanner.isBeforeDetachedNot)
        if let parts {
          for part in parts { append(part, range) }
        } else {
          append(bytes, range)
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
