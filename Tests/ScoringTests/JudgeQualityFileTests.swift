import Foundation
import Testing

@testable import Scoring

/// Counts of a file decide; numbers that no check can have are refused, and none traps.
@Suite struct JudgeQualityFileTests {
  private static func share(_ text: String) throws -> JudgeQuality.Share {
    try JSONDecoder().decode(JudgeQuality.Share.self, from: Data(text.utf8))
  }

  @Test(arguments: [
    #"{"successes":8,"trials":10,"interval":{"lower":-1e308,"upper":1e308}}"#,
    #"{"successes":8,"trials":10,"interval":{"lower":0.9,"upper":0.1}}"#,
    #"{"successes":8,"trials":10}"#,
  ])
  func intervalsFollowFromCounts(text: String) throws {
    #expect(try Self.share(text) == JudgeQuality.Share(successes: 8, trials: 10))
  }

  @Test(
    arguments: [
      (#"{"successes":11,"trials":10}"#, "at most the 10 trials"),
      (#"{"successes":-1,"trials":10}"#, "0 to 1000000000"),
      (#"{"successes":0,"trials":-9223372036854775808}"#, "0 to 1000000000"),
      (#"{"successes":0,"trials":9223372036854775807}"#, "0 to 1000000000"),
      (#"{"successes":1e300,"trials":10}"#, ""), (#"{"successes":0.5,"trials":10}"#, ""),
      (#"{"trials":10}"#, ""),
    ])
  func impossibleCountsAreRefused(text: String, naming: String) {
    let error = #expect(throws: DecodingError.self) { try Self.share(text) }
    #expect(naming.isEmpty || "\(String(describing: error))".contains(naming))
  }
}
