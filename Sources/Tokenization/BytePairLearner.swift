/// Learns a byte-level byte-pair vocabulary from texts (Sennrich et al., arXiv 1508.07909, over
/// GPT-2's alphabet of bytes).
///
/// Texts are cut into words by GPT-2's pattern; then, as long as there is room, the pair of
/// neighbouring tokens that occurs most often becomes a token. Of equal pairs the first in byte order
/// is taken, so that equal texts give equal vocabularies.
package struct BytePairLearner {
  /// Tokens by id, written in the byte-level alphabet: 256 bytes, then one for each merge.
  package private(set) var tokens: [String]
  /// `left right`, in the order of learning.
  package private(set) var merges: [String] = []

  private struct Pair: Hashable, Comparable {
    let left: Int
    let right: Int

    static func < (a: Pair, b: Pair) -> Bool { (a.left, a.right) < (b.left, b.right) }
  }

  /// - Parameter tokenLimit: the most tokens, at least 256.
  package init(texts: [String], tokenLimit: Int) {
    tokens = ByteLevelAlphabet.scalars.map { String($0) }
    var counts: [[UInt8]: Int] = [:]
    for text in texts {
      let bytes = Array(text.utf8)
      for word in ByteLevelWords.words(in: bytes[...]) {
        counts[Array(bytes[word]), default: 0] += 1
      }
    }
    var words = counts.map { (ids: $0.key.map(Int.init), count: $0.value) }
    while tokens.count < tokenLimit {
      var pairs: [Pair: Int] = [:]
      for (ids, count) in words {
        for (left, right) in zip(ids, ids.dropFirst()) {
          pairs[Pair(left: left, right: right), default: 0] += count
        }
      }
      guard
        let best = pairs.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), best.value > 1
      else { break }
      let (left, right) = (best.key.left, best.key.right)
      merges.append("\(tokens[left]) \(tokens[right])")
      tokens.append(tokens[left] + tokens[right])
      for index in words.indices {
        words[index].ids = Self.merging(left, right, into: tokens.count - 1, words[index].ids)
      }
    }
  }

  private static func merging(_ left: Int, _ right: Int, into merged: Int, _ ids: [Int]) -> [Int] {
    var result: [Int] = []
    var index = 0
    while index < ids.count {
      if index + 1 < ids.count, ids[index] == left, ids[index + 1] == right {
        result.append(merged)
        index += 2
      } else {
        result.append(ids[index])
        index += 1
      }
    }
    return result
  }
}
