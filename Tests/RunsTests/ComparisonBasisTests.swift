import Foundation
import Runs
import Testing

/// Which runs may be compared.
@Suite struct ComparisonBasisTests {
  /// - Parameter members: of `recipes` and `attacks`.
  private static func basis(_ members: String) throws -> ComparisonBasis {
    try JSONDecoder().decode(
      ComparisonBasis.self,
      from: Data(
        (#"{"models":["m"],"temperature":0,"top_p":1,"max_tokens":16,"samples":1,"judges":{"refusal":"d"},"#
          + members + "}").utf8))
  }

  /// Attacks of one name by their digests, whatever the words say; without the seed, where both know it.
  @Test(arguments: [
    (#"{"recipe":"a1","training":"a"}"#, #"{"recipe":"a1","training":"a"}"#, true),
    (#"{"recipe":"a1","training":"a"}"#, #"{"recipe":"a2","training":"a"}"#, true),
    (#"{"recipe":"a1","training":"a"}"#, #"{"recipe":"b1","training":"b"}"#, false),
    (#"{"recipe":"a"}"#, #"{"recipe":"a"}"#, true),
    (#"{"recipe":"a"}"#, #"{"recipe":"b"}"#, false),
    // Earlier releases did not write the digest without the seed: what the words say counts.
    (#"{"recipe":"a1"}"#, #"{"recipe":"a2","training":"a"}"#, true),
  ])
  func attacksAreComparedByTheirRecipes(mine: String, theirs: String, isSame: Bool) throws {
    let attacks = #""attacks":{"shift":"ten epochs"},"recipes":{"shift":"#
    let found = try Self.basis(attacks + mine + "}")
      .differences(from: Self.basis(attacks + theirs + "}"))
    #expect(found.isEmpty == isSame, "\(found)")
    #expect(found.allSatisfy { $0.hasPrefix("attack shift is of a recipe") }, "\(found)")
  }

  @Test func otherWordsOfOneRecipeAreNoDifference() throws {
    let recipe = #""recipes":{"shift":{"recipe":"a"}}"#
    let (mine, theirs) = (
      try Self.basis(#""attacks":{"shift":"ten epochs"},"# + recipe),
      try Self.basis(#""attacks":{"shift":"10 epochs"},"# + recipe)
    )
    #expect(mine.differences(from: theirs) == [])
    // Files of earlier releases have the words alone.
    let earlier = try Self.basis(#""attacks":{"shift":"10 epochs"}"#)
    #expect(
      mine.differences(from: earlier) == ["attack shift is 10 epochs there and ten epochs here"])
  }
}
