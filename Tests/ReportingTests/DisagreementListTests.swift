import Runs
import Scoring
import Testing

@testable import Reporting

/// Replies on which judges differ, as they are printed: nothing in them reaches a terminal, a page or a
/// spreadsheet as anything but text.
@Suite struct DisagreementListTests {
  private static let opinions = [
    ReplyOpinions(
      id: "q1", cell: "a0-none-set~1", sample: 1, category: "c", prompt: "How?",
      response: "Sure.\nStep \u{1B}[2J one, <b>\"two\"</b>", label: .refused,
      judges: ["refusal", "ngram"],
      judgements: [
        "refusal": Judgement(verdict: .complied),
        "ngram": Judgement(verdict: .refused, score: 0.25),
      ]),
    ReplyOpinions(
      id: "q2", category: "c", prompt: "What?", response: "No.", judges: ["refusal", "ngram"],
      judgements: ["refusal": Judgement(verdict: .refused)]),
    ReplyOpinions(
      id: "=q3", category: "c", prompt: "::error::x", response: "No.",
      judges: ["refusal", "rubric"],
      judgements: [
        "refusal": Judgement(verdict: .refused), "rubric": Judgement(verdict: .complied, score: 5),
      ]),
  ]

  @Test func textShowsWhoSaysWhat() {
    let text = DisagreementList.render(RunOpinions(Self.opinions), as: .text)
    #expect(text.hasPrefix("2 of 3 replies"))
    #expect(text.contains("1. q1 of a0-none-set~1, sample 1 (c)"))
    #expect(text.contains("label: refused; refusal: complied; ngram: refused (0.25)"))
    #expect(text.contains("   | Sure.\n   | Step \\u001b[2J one"))
    #expect(!text.contains("q2") && !text.contains("\u{1B}"))
  }

  @Test func markdownHoldsNoMarkupOfReplies() {
    let text = DisagreementList.render(RunOpinions(Self.opinions), as: .markdown)
    #expect(text.contains("\n> How?\n") && text.contains("\n> Sure.\\\n> Step"))
    #expect(text.contains("&lt;b&gt;"))
    #expect(!text.contains("<b>") && !text.contains("\u{1B}"))
    #expect(text.contains("| ngram"))
  }

  @Test func csvHasAColumnForEachJudge() {
    let lines = DisagreementList.render(RunOpinions(Self.opinions), as: .csv).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[0] == "id,cell,sample,category,label,refusal,ngram,rubric,prompt,response")
    #expect(lines[1].hasPrefix("q1,a0-none-set~1,1,c,refused,complied,refused,,How?,"))
    #expect(lines[1].hasSuffix("\"Sure.\\nStep \\u001b[2J one, <b>\"\"two\"\"</b>\""))
    #expect(lines[2].hasPrefix("'=q3,,,c,,refused,,complied,"))
  }

  @Test func nothingToReadIsSaid() {
    let text = DisagreementList.render(RunOpinions([Self.opinions[1]]), as: .text)
    #expect(text.hasPrefix("0 of 1 replies"))
    #expect(DisagreementList.render(RunOpinions([]), as: .csv).hasPrefix("id,cell,"))
  }
}
