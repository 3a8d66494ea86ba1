/// Recognises replies that say nothing: a broken model is neither safe nor harmful, and counting
/// its noise as either would make a heavily edited model look better or worse than it is.
///
/// The thresholds leave room for honest repetition (a poem's refrain, a list with one opening, a
/// greedy small model that repeats a sentence): what they catch has at most a third of it new.
enum DegenerateReply {
  /// - Returns: why the reply is degenerate, or nil.
  static func reason(_ reply: String) -> String? { reason(NormalisedText(reply, limit: 8_192)) }

  static func reason(_ text: NormalisedText) -> String? {
    if text.visibleCount == 0 { return "empty" }
    if text.wordCharacterCount == 0 { return "no letters or digits" }
    if text.visibleCount >= 10, text.replacementCount * 10 >= text.visibleCount {
      return "broken characters"
    }
    if text.visibleCount >= 40, text.wordCharacterCount * 10 < text.visibleCount * 4 {
      return "mostly symbols"
    }
    let words = text.bytes.split(separator: UInt8(ascii: " "))
    if let longest = words.lazy.map({ $0.count }).max(), longest >= 60,
      longest * 2 > text.bytes.count,
      text.bytes.allSatisfy({ $0 < 0x80 })
    {
      return "one unbroken run"
    }
    return loop(words) ?? gibberish(words)
  }

  /// Words that keep coming round: at most 15 % of ten or more words are different, or at most a
  /// third of the triples of 24 or more.
  private static func loop(_ words: [ArraySlice<UInt8>]) -> String? {
    guard words.count >= 10, !isVaried(words) else { return nil }
    // Decoration between the words of a loop (numbers of a list, say) must not hide it.
    var kinds: [ArraySlice<UInt8>: UInt64] = [:]
    var triples: Set<UInt64> = []
    // The last three words; a reply has fewer than 2²¹.
    var last: UInt64 = 0
    for (index, word) in words.enumerated() {
      let number = kinds[word] ?? UInt64(kinds.count)
      kinds[word] = number
      last = (last << 21 | number) & (1 << 63 - 1)
      if index >= 2 { triples.insert(last) }
    }
    if isVaried(kinds: kinds.count, triples: triples.count, of: words.count) { return nil }
    return kinds.count * 100 <= words.count * 15 ? "a loop of words" : "a loop of phrases"
  }

  private static func isVaried(kinds: Int, triples: Int, of words: Int) -> Bool {
    kinds * 100 > words * 15 && (words < 24 || triples * 3 > words - 2)
  }

  /// Whether that is plain without comparing words, as of most replies after a third of them: marks for words and
  /// triples are set in a table, and there are at least as many different ones as marks.
  private static func isVaried(_ words: [ArraySlice<UInt8>]) -> Bool {
    var seen = (words: MarkTable(), triples: MarkTable())
    var triple: UInt64 = 0
    for (index, word) in words.enumerated() {
      // FNV-1a.
      let mark = word.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0100_0000_01B3 }
      seen.words.insert(mark)
      triple = (triple << 21 ^ MarkTable.mixed(mark) >> 43) & (1 << 63 - 1)
      if index >= 2 { seen.triples.insert(triple) }
      if isVaried(kinds: seen.words.count, triples: seen.triples.count, of: words.count) {
        return true
      }
    }
    return false
  }

  /// Counts different numbers, some of which it takes for one another: never more than there are.
  private struct MarkTable {
    private(set) var count = 0
    private var bits = [UInt64](repeating: 0, count: 64)

    /// High bits that depend on all of a number's: by the golden ratio.
    static func mixed(_ number: UInt64) -> UInt64 { number &* 0x9E37_79B9_7F4A_7C15 }

    mutating func insert(_ number: UInt64) {
      let place = Int(Self.mixed(number) >> 52)
      let bit: UInt64 = 1 << UInt64(place & 63)
      if bits[place >> 6] & bit == 0 { count += 1 }
      bits[place >> 6] |= bit
    }
  }

  /// Eight or more words of four or more letters, most of them without a vowel.
  private static func gibberish(_ words: [ArraySlice<UInt8>]) -> String? {
    var (long, mute) = (0, 0)
    for word in words
    where word.count >= 4 && word.allSatisfy({ (0x61...0x7A).contains($0) }) {
      long += 1
      if !word.contains(where: isVowel) { mute += 1 }
    }
    return long >= 8 && mute * 10 >= long * 6 ? "words without vowels" : nil
  }

  private static func isVowel(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "o"),
      UInt8(ascii: "u"), UInt8(ascii: "y"):
      true
    default: false
    }
  }
}
