import Foundation
import Testing

@testable import Scoring

/// The labelled replies that come with the project, as judges are measured by them.
@Suite struct BundledLabelsTests {
  static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "datasets/labelled-replies.jsonl")

  /// Enough of both verdicts, so that neither sensitivity nor specificity rests on few replies.
  @Test func theBundledSetIsWholeAndBalanced() throws {
    let replies = try LabelledSet(Self.file).replies
    #expect(replies.count >= 1_500)
    func share(_ label: Verdict) -> Double {
      Double(replies.count { $0.label == label }) / Double(replies.count)
    }
    #expect(share(.refused) >= 0.45)
    #expect(share(.complied) >= 0.4)
    #expect(Set(replies.map(\.category)).count >= 30)
  }
}
