/// Phrases, found in a reply's words.
///
/// A phrase is words in their order, within one sentence. `a|b` and `(a|b)` are either word, `(a)` and
/// `(a|b)?` one that may be left out, `word*` any word with that beginning, `~3` up to three words of any kind, `^` the
/// beginning of a sentence, `$` the end of a clause and `$$` of a sentence; `[name]` is any of a class of words. Between
/// words of a phrase may stand such as only lend weight ("really", "simply").
struct PhraseList: Sendable {
  private enum Slot {
    case words(Set<Int32>, isOptional: Bool)
    case gap(Int)
    case start
    case end(ofSentence: Bool)
  }

  var isEmpty: Bool { phrases.isEmpty }

  private var phrases: [[Slot]] = []
  /// Phrases by the words that they may begin with.
  private var byFirst: [Int32: [Int]] = [:]
  private let fillers: Set<Int32>

  static let fillerWords = [
    "really", "simply", "just", "also", "absolutely", "certainly", "personally", "honestly",
    "truly", "still", "therefore", "definitely", "possibly", "ever", "even", "currently",
    "unfortunately", "sadly", "regrettably", "respectfully", "politely", "firmly", "kindly",
    "actually", "probably", "either", "thus", "hereby", "directly", "knowingly", "ethically",
    "legally", "morally", "responsibly", "gladly", "however", "though", "then", "today",
  ]

  init(_ texts: [String], classes: [String: [String]], _ vocabulary: inout Vocabulary) {
    fillers = Set(Self.fillerWords.map { vocabulary.add(Array($0.utf8)[...], isBeginning: false) })
    for text in texts {
      var slots: [Slot] = []
      for part in text.split(separator: " ") {
        slots += Self.slots(part, classes, &vocabulary)
      }
      guard let begin = slots.firstIndex(where: { if case .words = $0 { true } else { false } })
      else { continue }
      phrases.append(slots)
      // Optional words at the beginning: each may be the first.
      for slot in slots[begin...] {
        guard case .words(let ids, let isOptional) = slot else { break }
        for id in ids { byFirst[id, default: []].append(phrases.count - 1) }
        if !isOptional { break }
      }
    }
  }

  private static func slots(
    _ part: Substring, _ classes: [String: [String]], _ vocabulary: inout Vocabulary
  ) -> [Slot] {
    if part == "^" { return [.start] }
    if part == "$" { return [.end(ofSentence: false)] }
    if part == "$$" { return [.end(ofSentence: true)] }
    if part.first == "~", let count = Int(part.dropFirst()) { return [.gap(count)] }
    var part = part
    var isOptional = part.first == "(" && part.last == ")" && !part.contains("|")
    if part.first == "(", part.hasSuffix(")?") {
      isOptional = true
      part = part.dropLast()
    }
    if part.first == "(", part.last == ")" { part = part.dropFirst().dropLast() }
    var alternatives: [String] = []
    for choice in part.split(separator: "|") {
      if choice.first == "[", choice.last == "]",
        let members = classes[String(choice.dropFirst().dropLast())]
      {
        alternatives += members
      } else {
        alternatives.append(String(choice))
      }
    }
    var ids: Set<Int32> = []
    for alternative in alternatives {
      let isBeginning = alternative.last == "*"
      let words = self.words(isBeginning ? String(alternative.dropLast()) : alternative)
      if words.count > 1, alternatives.count == 1 {
        return words.map {
          .words([vocabulary.add($0, isBeginning: false)], isOptional: isOptional)
        }
      }
      if let word = words.first, words.count == 1 {
        ids.insert(vocabulary.add(word, isBeginning: isBeginning))
      }
    }
    return ids.isEmpty ? [] : [.words(ids, isOptional: isOptional)]
  }

  /// A phrase's word as the words of a text.
  private static func words(_ text: String) -> [ArraySlice<UInt8>] {
    var scanner = WordScanner(NormalisedText(text))
    var words: [ArraySlice<UInt8>] = []
    while let piece = scanner.next() {
      if case .word(let bytes, _, let hasApostrophe) = piece {
        words += Contractions.parts(bytes, hasApostrophe, before: [])
      }
    }
    return words
  }

  /// The longest phrase that begins at a word, as the words that it covers.
  func match(in text: Wording, at start: Int) -> Range<Int>? {
    var longest: Range<Int>?
    for id in text.words[start].ids {
      for phrase in byFirst[id] ?? [] {
        if let end = end(of: phrases[phrase][...], in: text, at: start, isFirst: true),
          end > (longest?.upperBound ?? start)
        {
          longest = start..<end
        }
      }
    }
    return longest
  }

  /// The first phrase in a range of words.
  func first(in text: Wording, _ range: Range<Int>) -> Range<Int>? {
    for start in range {
      if let match = match(in: text, at: start) { return match }
    }
    return nil
  }

  private func end(
    of slots: ArraySlice<Slot>, in text: Wording, at place: Int, isFirst: Bool = false
  ) -> Int? {
    guard let slot = slots.first else { return place }
    guard place < text.words.count || !isFirst && place > 0 else { return nil }
    let sentence = text.words[max(place - (isFirst ? 0 : 1), 0)].sentence
    let isInside = place < text.words.count && text.words[place].sentence == sentence
    switch slot {
    case .start:
      guard place == 0 || text.words[place - 1].sentence != sentence else { return nil }
      return end(of: slots.dropFirst(), in: text, at: place, isFirst: true)
    case .end(let ofSentence):
      guard !isFirst, ofSentence ? !isInside : text.words[place - 1].endsClause else { return nil }
      return end(of: slots.dropFirst(), in: text, at: place)
    case .gap(let most):
      for length in 0...most {
        if let end = end(of: slots.dropFirst(), in: text, at: place + length) { return end }
        guard place + length < text.words.count, text.words[place + length].sentence == sentence
        else { return nil }
      }
      return nil
    case .words(let ids, let isOptional):
      if isInside, !ids.isDisjoint(with: text.words[place].ids),
        let end = end(of: slots.dropFirst(), in: text, at: place + 1)
      {
        return end
      }
      if isOptional, let end = end(of: slots.dropFirst(), in: text, at: place, isFirst: isFirst) {
        return end
      }
      // Up to two words of emphasis.
      if !isFirst, isInside, !fillers.isDisjoint(with: text.words[place].ids) {
        return end(of: slots, in: text, at: place + 1)
      }
      return nil
    }
  }
}
