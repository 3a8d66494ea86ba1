/// Phrases, found in a reply's words.
///
/// A phrase is words in their order, within one sentence. `a|b` and `(a|b)` are either word, `(a)` and
/// `(a|b)?` one that may be left out, `word*` any word with that beginning, `~3` up to three words of any kind, `^` the
/// beginning of a sentence, `$` the end of a clause and `$$` of a sentence; `[name]` is any of a class of words. Between
/// words of a phrase may stand such as only lend weight ("really", "simply").
struct PhraseList: Sendable {
  /// A part of a phrase as it is read.
  private enum Part {
    case words(Set<Int32>, isOptional: Bool)
    case gap(Int)
    case start
    case end(ofSentence: Bool)
  }

  /// The same as it is looked for: numbers alone, so that looking at one counts no references.
  private struct Slot {
    enum Kind { case words, optionalWords, gap, start, clauseEnd, sentenceEnd }

    let kind: Kind
    /// Of words, their places in `ids`; of a gap, how many words it may be.
    var range: Range<Int32> = 0..<0
  }

  /// A phrase, and what a sentence must have for it to stand there.
  private struct Phrase {
    let slots: Range<Int32>
    /// Words without which it does not.
    var all = WordMarks()
    /// Words of which it has one; nil where it asks for no choice of words.
    var one: WordMarks?
  }

  /// Longer lists of words are searched by halves.
  private static let short = 8

  private var slots: [Slot] = []
  /// Words of all slots, those of each in order.
  private var ids: [Int32] = []
  /// Phrases by the words that they may begin with; those of word `id` are from `firsts[id]` to
  /// `firsts[id + 1]`.
  private var phrases: [Phrase] = []
  private var firsts: [Int32] = []

  var isEmpty: Bool { slots.isEmpty }

  init(_ texts: [String], classes: [String: [String]], _ vocabulary: inout Vocabulary) {
    var byFirst: [Int32: [Phrase]] = [:]
    for text in texts {
      let parts = text.split(separator: " ").flatMap { Self.parts($0, classes, &vocabulary) }
      guard let begin = parts.firstIndex(where: { if case .words = $0 { true } else { false } })
      else { continue }
      let start = Int32(slots.count)
      for part in parts { append(part) }
      let phrase = phrase(start..<Int32(slots.count))
      // Optional words at the beginning: each may be the first.
      for part in parts[begin...] {
        guard case .words(let ids, let isOptional) = part else { break }
        for id in ids { byFirst[id, default: []].append(phrase) }
        if !isOptional { break }
      }
    }
    for id in 0...vocabulary.count {
      firsts.append(Int32(phrases.count))
      phrases += byFirst[id] ?? []
    }
    firsts.append(Int32(phrases.count))
  }

  private func phrase(_ slots: Range<Int32>) -> Phrase {
    var phrase = Phrase(slots: slots)
    let required = slots.filter { self.slots[Int($0)].kind == .words }
    var fewest = Int.max
    for place in required {
      let words = self.slots[Int(place)].range
      if words.count == 1 {
        phrase.all.insert(ids[Int(words.lowerBound)])
      } else if place != required.first, words.count < fewest {
        // Phrases are found by their first word: that it is there says little.
        fewest = words.count
        var one = WordMarks()
        for word in words { one.insert(ids[Int(word)]) }
        phrase.one = one
      }
    }
    return phrase
  }

  private mutating func append(_ part: Part) {
    switch part {
    case .words(let words, let isOptional):
      let start = Int32(ids.count)
      ids += words.sorted()
      slots.append(
        Slot(kind: isOptional ? .optionalWords : .words, range: start..<Int32(ids.count)))
    case .gap(let most): slots.append(Slot(kind: .gap, range: 0..<Int32(most)))
    case .start: slots.append(Slot(kind: .start))
    case .end(let ofSentence): slots.append(Slot(kind: ofSentence ? .sentenceEnd : .clauseEnd))
    }
  }

  private static func parts(
    _ part: Substring, _ classes: [String: [String]], _ vocabulary: inout Vocabulary
  ) -> [Part] {
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
        words += Contractions.parts(bytes, hasApostrophe, isBeforeNot: false) ?? [bytes]
      }
    }
    return words
  }

  // MARK: - Looking

  /// The longest phrase that begins at a word, as the words that it covers.
  func match(in text: Wording, at start: Int) -> Range<Int>? {
    var longest = start
    let word = text.words[start]
    let marks = text.marks[Int(word.sentence)]
    for place in word.ids {
      let id = Int(text.ids[Int(place)])
      // Words that came into the vocabulary after this list begin none of its phrases.
      guard id + 1 < firsts.count else { continue }
      for phrase in firsts[id]..<firsts[id + 1] {
        let phrase = phrases[Int(phrase)]
        guard marks.mayHoldAll(of: phrase.all), phrase.one.map(marks.mayHoldOne) ?? true else {
          continue
        }
        if let end = end(of: phrase.slots, in: text, at: start, isFirst: true) {
          longest = max(longest, end)
        }
      }
    }
    return longest > start ? start..<longest : nil
  }

  /// The first phrase in a range of words.
  func first(in text: Wording, _ range: Range<Int>) -> Range<Int>? {
    for start in range {
      if let match = match(in: text, at: start) { return match }
    }
    return nil
  }

  private func end(
    of phrase: Range<Int32>, in text: Wording, at place: Int, isFirst: Bool = false
  ) -> Int? {
    guard let first = phrase.first else { return place }
    guard place < text.words.count || !isFirst && place > 0 else { return nil }
    let slot = slots[Int(first)]
    let rest = first + 1..<phrase.upperBound
    let sentence = text.words[max(place - (isFirst ? 0 : 1), 0)].sentence
    let isInside = place < text.words.count && text.words[place].sentence == sentence
    switch slot.kind {
    case .start:
      guard place == 0 || text.words[place - 1].sentence != sentence else { return nil }
      return end(of: rest, in: text, at: place, isFirst: true)
    case .clauseEnd:
      guard !isFirst, text.words[place - 1].endsClause else { return nil }
      return end(of: rest, in: text, at: place)
    case .sentenceEnd:
      guard !isFirst, !isInside else { return nil }
      return end(of: rest, in: text, at: place)
    case .gap:
      for length in 0...slot.range.count {
        if let end = end(of: rest, in: text, at: place + length) { return end }
        guard place + length < text.words.count, text.words[place + length].sentence == sentence
        else { return nil }
      }
      return nil
    case .words, .optionalWords:
      if isInside, holds(slot, text.words[place], of: text),
        let end = end(of: rest, in: text, at: place + 1)
      {
        return end
      }
      if slot.kind == .optionalWords,
        let end = end(of: rest, in: text, at: place, isFirst: isFirst)
      {
        return end
      }
      // Up to two words of emphasis.
      if !isFirst, isInside, text.words[place].isFiller {
        return end(of: phrase, in: text, at: place + 1)
      }
      return nil
    }
  }

  /// Whether a word is one of a slot's.
  private func holds(_ slot: Slot, _ word: Wording.Word, of text: Wording) -> Bool {
    word.ids.contains { place in
      let id = text.ids[Int(place)]
      var (low, high) = (Int(slot.range.lowerBound), Int(slot.range.upperBound))
      while high - low > Self.short {
        let middle = (low + high) / 2
        if ids[middle] <= id { low = middle } else { high = middle }
      }
      return (low..<high).contains { ids[$0] == id }
    }
  }
}
