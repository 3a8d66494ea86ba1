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
    guard words.count >= 10 else { return nil }
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
      // Most replies are known to be none after a third of them.
      let areWordsNew = kinds.count * 100 > words.count * 15
      let arePhrasesNew = words.count < 24 || triples.count * 3 > words.count - 2
      if areWordsNew, arePhrasesNew { return nil }
    }
    return kinds.count * 100 <= words.count * 15 ? "a loop of words" : "a loop of phrases"
  }

  /// Eight or more words of four or more letters, most of them without a vowel.
  private static func gibberish(_ words: [ArraySlice<UInt8>]) -> String? {
    let long = words.filter { word in
      word.count >= 4 && word.allSatisfy { (0x61...0x7A).contains($0) }
    }
    guard long.count >= 8 else { return nil }
    let mute = long.count { word in !word.contains(where: isVowel) }
    return mute * 10 >= long.count * 6 ? "words without vowels" : nil
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
