import Support
import Testing

@testable import Scoring

/// Loops of words are told from other replies by the rule, however they are found.
@Suite struct DegenerateReplyTests {
  /// The rule by counting all: at most 15 % of ten or more words are different, or at most a third of the triples of
  /// 24 or more.
  private func isLoop(_ words: [String]) -> Bool {
    guard words.count >= 10 else { return false }
    let triples = Set(words.indices.dropLast(2).map { Array(words[$0...($0 + 2)]) })
    return Set(words).count * 100 <= words.count * 15
      || words.count >= 24 && triples.count * 3 <= words.count - 2
  }

  @Test func loopsAreThoseOfTheRule() {
    var generator = SplitMix64(seed: 11)
    func below(_ limit: Int) -> Int { Int(generator.next() % UInt64(limit)) }
    var loops = 0
    for _ in 0..<4_000 {
      let kinds = 1 + below(40)
      let words = (0..<kinds).map { number in
        // With vowels, so that nothing else is the matter.
        "a\(String(number, radix: 36))" + String(repeating: "e", count: below(3))
      }
      let phrase = (0..<(1 + below(30))).map { _ in words[below(kinds)] }
      var reply: [String] = []
      let count = 5 + below(150)
      while reply.count < count {
        reply += below(3) == 0 ? [words[below(kinds)]] : phrase
      }
      let reason = DegenerateReply.reason(reply.joined(separator: " "))
      #expect((reason?.hasPrefix("a loop") ?? false) == isLoop(reply), "\(reply)")
      loops += isLoop(reply) ? 1 : 0
    }
    #expect((1_000..<3_000).contains(loops))
  }
}
