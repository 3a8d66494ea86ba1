extension Tokenizer {
  /// A part of an input, of which only some parts may hold special tokens.
  package struct InputPart {
    package var text: String
    /// Whether text that spells a special token becomes it.
    package var parsesSpecial: Bool
    /// Whether no token may reach across this part's start, as where a model's reply begins.
    package var startsAfresh: Bool

    package init(text: String, parsesSpecial: Bool, startsAfresh: Bool = false) {
      self.text = text
      self.parsesSpecial = parsesSpecial
      self.startsAfresh = startsAfresh
    }
  }

  /// The added tokens that a text spells as it stands, special or not; the text must be UTF-8.
  package func addedTokens(in text: ArraySlice<UInt8>) -> [(range: Range<Int>, id: Int)] {
    combinedMatcher.parts(of: text) { _ in true }.compactMap { part in
      part.token.map { (part.range, $0) }
    }
  }

  /// The ids of each run of parts up to the next that starts afresh.
  ///
  /// Within a run the parts are encoded as one text, so cutting it differently changes nothing but
  /// where special tokens may stand.
  package func encode(_ parts: [InputPart]) -> [[Int]] {
    var runs: [[InputPart]] = []
    for part in parts {
      if part.startsAfresh || runs.isEmpty { runs.append([]) }
      runs[runs.count - 1].append(part)
    }
    var encoded: [[Int]] = []
    // Where a token ends one run, the next begins just as it would behind that token in one run.
    var continues = false
    for run in runs {
      let (ids, endsWithAddedToken) = encodeRun(
        run, continues: continues, startsInput: encoded.isEmpty)
      encoded.append(ids)
      continues = !endsWithAddedToken
    }
    return encoded
  }

  private func encodeRun(
    _ parts: [InputPart], continues: Bool, startsInput: Bool
  ) -> (ids: [Int], endsWithAddedToken: Bool) {
    var bytes: [UInt8] = []
    var specialRanges: [Range<Int>] = []
    for part in parts {
      let start = bytes.count
      bytes.append(contentsOf: part.text.utf8)
      guard part.parsesSpecial, bytes.count > start else { continue }
      if let last = specialRanges.last, last.upperBound == start {
        specialRanges[specialRanges.count - 1] = last.lowerBound..<bytes.count
      } else {
        specialRanges.append(start..<bytes.count)
      }
    }
    // Normalizing moves offsets. So where only parts may hold special tokens, those are looked for
    // before it, by their own text.
    let isUniform = specialRanges.isEmpty || specialRanges == [0..<bytes.count]
    let allowsAll = !specialRanges.isEmpty
    let matcher = isUniform || !hasNormalizedSpecialTokens ? rawMatcher : combinedMatcher
    let found = matcher.parts(of: bytes[...]) { range in
      specialRanges.contains {
        $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound
      }
    }
    var ids: [Int] = []
    for part in found {
      if let token = part.token {
        ids.append(token)
        continue
      }
      let isStart = part.range.lowerBound == 0
      let text = String(decoding: bytes[part.range], as: UTF8.self)
      appendStretch(
        text, continues: continues && isStart, startsInput: startsInput && isStart,
        allowsSpecial: isUniform && allowsAll, protectsSpecial: !(isUniform && allowsAll), to: &ids)
    }
    return (ids, found.last?.token != nil)
  }

  /// Encodes a stretch between added tokens that were found in the text as typed.
  private func appendStretch(
    _ text: String, continues: Bool, startsInput: Bool, allowsSpecial: Bool, protectsSpecial: Bool,
    to ids: inout [Int]
  ) {
    let normalized = normalizer?.normalize(text, continues: continues) ?? text
    guard !normalizedMatcher.isEmpty else {
      appendWords(
        of: normalized, continues: continues, startsInput: startsInput,
        protectsSpecial: protectsSpecial, to: &ids)
      return
    }
    let bytes = Array(normalized.utf8)
    for part in normalizedMatcher.parts(of: bytes[...], allowsSpecial: { _ in allowsSpecial }) {
      if let token = part.token {
        ids.append(token)
        continue
      }
      let isStart = part.range.lowerBound == 0
      appendWords(
        of: String(decoding: bytes[part.range], as: UTF8.self), continues: continues && isStart,
        startsInput: startsInput && isStart, protectsSpecial: protectsSpecial, to: &ids)
    }
  }

  private func appendWords(
    of text: String, continues: Bool, startsInput: Bool, protectsSpecial: Bool, to ids: inout [Int]
  ) {
    var cut = PreTokenizedText(text, continues: continues, startsInput: startsInput)
    preTokenizer?.apply(to: &cut)
    for piece in cut.pieces {
      for id in merge(cut.bytes[piece], protectsSpecial: protectsSpecial) { ids.append(Int(id)) }
    }
  }
}
