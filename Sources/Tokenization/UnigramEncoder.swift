/// A unigram language model of tokens (Kudo, arXiv 1804.10959): of all ways to cut a word into tokens, the
/// one whose scores add up to most.
struct UnigramEncoder: Sendable {
  let vocabulary: Vocabulary
  /// By id: each token's logarithm of its probability.
  let scores: [Double]
  /// What stands for a character that no token begins with; nil drops it.
  let unknownID: Int32?
  /// The token of each byte, for what the vocabulary lacks; empty without byte fallback.
  let byteTokens: [Int32?]
  /// Of an unknown character: so much below the least of all tokens.
  private let unknownScore: Double
  /// Bytes of the longest token.
  private let longest: Int

  private static let unknownPenalty = 10.0

  init(
    vocabulary: Vocabulary, scores: [Double], unknownID: Int32?, byteTokens: [Int32?]
  ) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknownID = unknownID
    self.byteTokens = byteTokens
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    longest = vocabulary.tokens.prefix(scores.count).compactMap { $0?.utf8.count }.max() ?? 0
  }

  /// The best way to the end of a stretch of bytes.
  private struct Step {
    var score = 0.0
    /// Where the last token begins; nil where no way leads here yet.
    var start: Int?
    var id: Int32?
  }

  /// The tokens of one pre-tokenized word.
  ///
  /// - Parameter excluded: tokens that must not be made.
  func encode(_ word: ArraySlice<UInt8>, excluding excluded: Set<Int32> = []) -> [Int32] {
    var steps = [Step](repeating: Step(), count: word.count + 1)
    func consider(_ start: Int, _ end: Int, _ score: Double, _ id: Int32?) {
      let total = steps[start].score + score
      guard steps[end].start == nil || total > steps[end].score else { return }
      steps[end] = Step(score: total, start: start, id: id)
    }
    var begin = 0
    while begin < word.count {
      let place = word.startIndex + begin
      let length = UTF8Text.scalar(in: word, at: place).length
      var hasSingle = false
      var end = begin + length
      while end <= min(word.count, begin + longest) {
        let range = place..<word.startIndex + end
        if let id = vocabulary.id(of: word[range]), id < scores.count,
          !excluded.contains(Int32(id))
        {
          consider(begin, end, scores[id], Int32(id))
          hasSingle = hasSingle || end == begin + length
        }
        guard end < word.count else { break }
        end += UTF8Text.scalar(in: word, at: word.startIndex + end).length
      }
      if !hasSingle { consider(begin, begin + length, unknownScore, nil) }
      begin += length
    }
    return tokens(of: word, steps)
  }

  /// Neighbouring unknown characters are one.
  private func tokens(of word: ArraySlice<UInt8>, _ steps: [Step]) -> [Int32] {
    var parts: [(range: Range<Int>, id: Int32?)] = []
    var end = word.count
    while end > 0, let start = steps[end].start {
      let id = steps[end].id == unknownID ? nil : steps[end].id
      if id == nil, let last = parts.last, last.id == nil {
        parts[parts.count - 1].range = start..<last.range.upperBound
      } else {
        parts.append((start..<end, id))
      }
      end = start
    }
    return parts.reversed().flatMap { range, id -> [Int32] in
      if let id { return [id] }
      if !byteTokens.isEmpty {
        let bytes = word[word.startIndex + range.lowerBound..<word.startIndex + range.upperBound]
          .compactMap { byteTokens[Int($0)] }
        if bytes.count == range.count { return bytes }
      }
      return unknownID.map { [$0] } ?? []
    }
  }
}
