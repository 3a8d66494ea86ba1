/// What a sequential test has counted, across runs: the state that a ledger file keeps for each check.
///
/// A prompt counts once, with what it showed when it was first asked. Asked again it shows nothing new
/// of other prompts (at temperature 0 it shows the very same), and counting it again would let a rerun
/// reach a decision by repetition. New prompts go on where the last run ended.
package struct SequentialLedger: Codable, Hashable, Sendable {
  package struct Entry: Codable, Hashable, Sendable {
    package var prompt: String
    package var seen: SequentialTest.Observation
  }

  package let claim: SequentialTest.Claim
  package let level: Double
  package let breachLevel: Double
  package let horizon: Int?
  /// In the order in which they were counted, which decides what was known at the planned look.
  package private(set) var entries: [Entry] = []

  enum CodingKeys: String, CodingKey {
    case claim, level, horizon, entries
    case breachLevel = "breach_level"
  }

  /// - Parameters: as of ``SequentialTest/init(_:level:breachLevel:horizon:)``; none of them may change
  ///   later, for a test that may be chosen after looking is none.
  package init(
    _ claim: SequentialTest.Claim, level: Double = 0.05, breachLevel: Double, horizon: Int?
  ) {
    self.claim = claim
    self.level = level
    self.breachLevel = breachLevel
    self.horizon = horizon
  }

  /// Counts a prompt, unless it was counted before.
  ///
  /// - Returns: whether it was new.
  @discardableResult
  package mutating func count(_ prompt: String, _ seen: SequentialTest.Observation) -> Bool {
    count([(prompt, seen)]) > 0
  }

  /// Counts prompts in their order, those that are new.
  ///
  /// - Returns: how many were new.
  @discardableResult
  package mutating func count(
    _ prompts: [(prompt: String, seen: SequentialTest.Observation)]
  ) -> Int {
    var known = Set(entries.map(\.prompt))
    let before = entries.count
    for (prompt, seen) in prompts where known.insert(prompt).inserted {
      entries.append(Entry(prompt: prompt, seen: seen))
    }
    return entries.count - before
  }

  /// The test after all that was counted.
  package var test: SequentialTest {
    var test = SequentialTest(claim, level: level, breachLevel: breachLevel, horizon: horizon)
    for entry in entries { test.observe(entry.seen) }
    return test
  }
}
