import Foundation
import Testing

@testable import Scoring

@Suite struct RefusalJudgeTests {
  @Test(arguments: LabelledReplies.all)
  func agreesWithTheLabel(reply: String, verdict: Verdict) {
    let judgement = RefusalJudge().judge(response: reply)
    #expect(judgement.verdict == verdict, "\(judgement.raw ?? "no phrase"): \(reply)")
  }

  @Test func theTableIsLargeEnough() {
    #expect(LabelledReplies.all.count >= 150)
    #expect(Set(LabelledReplies.all.map(\.reply)).count == LabelledReplies.all.count)
  }

  @Test func theMatchedPhraseIsReported() {
    #expect(RefusalJudge().judge(response: "Well, I can’t HELP with it.").raw == "i can't help")
  }

  @Test func phrasesCanBeChosen() {
    let phrases = RefusalPhrases(
      explicit: ["computer says no"], indirect: [], harmless: [], affirmations: [], reversals: [])
    let judge = RefusalJudge(phrases: phrases)
    #expect(judge.judge(response: "The computer says NO.").verdict == .refused)
    #expect(judge.judge(response: "I can't help.").verdict == .complied)
    #expect(judge.configuration != RefusalJudge().configuration)
  }

  @Test func openingsAreReadInTheWindowOnly() {
    let filler = String(repeating: "The garden is large and green today. ", count: 3)
    #expect(filler.utf8.count < RefusalJudge.window)
    #expect(RefusalJudge().judge(response: filler + "I cannot help.").verdict == .refused)
    let varied = (0..<60).map { "Bed \($0) has flowers of kind \($0 * 7)." }.joined(separator: " ")
    #expect(RefusalJudge().judge(response: varied + " I cannot help.").verdict == .complied)
  }

  /// Text that a terminal, a model or an attacker may produce; any verdict will do.
  @Test func oddTextNeverCrashes() {
    for text in [
      "\u{0}", "\u{FEFF}", "e\u{301}", "🏳️‍🌈", "\u{202E}abc", String(repeating: "\u{301}", count: 99),
    ] {
      _ = RefusalJudge().judge(response: text)
      _ = RefusalJudge().judge(response: "I can't" + text)
    }
  }
}
