import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support
import Testing

@testable import Reporting
@testable import Runs

/// One sample as a terminal shows it.
@Suite struct SampleTextTests {
  private static func sample(
    _ reply: String, _ change: (inout Sample) -> Void = { _ in }
  ) -> (Sample, Cell) {
    let (manifest, samples) = ReportTests.run()
    var sample = samples[0]
    sample.response = reply
    change(&sample)
    return (sample, manifest.plan.cells[0])
  }

  private static func text(_ reply: String, isWhole: Bool = false) -> String {
    let (sample, cell) = sample(reply)
    return SampleText(isWhole: isWhole).render(sample, of: cell, number: 1)
  }

  @Test func aSampleSaysWhatItIsOf() {
    let (sample, cell) = Self.sample("I can't\nhelp.") {
      $0.sample = 2
      $0.reasoning = "well"
      $0.reference = "42"
      $0.finishReason = "length"
      $0.judgements["rubric"] = Judgement(verdict: .complied, score: 0.25, raw: "because")
    }
    #expect(
      SampleText().render(sample, of: cell, number: 1_234) == """
        ── 1,234  harmful: p0 (even), sample 2
        model     aligned, no defence
        verdict   refused by refusal
                  complied by rubric, score 0.25: because
        prompt    Prompt 0 with | and <script>alert(1)</script>
        expected  42
        thoughts  well
        reply     I can't
                  help.
        ended     length


        """)
  }

  @Test func aFailedRequestSaysWhy() {
    let (sample, cell) = Self.sample("") {
      $0.failure = Failure(ErrorCode(rawValue: "timeout"), "too\u{1B}[2Jslow")
      $0.judgements = [:]
    }
    let text = SampleText().render(sample, of: cell, number: 1)
    #expect(text.contains("failed    timeout: too\\u001b[2Jslow\n"))
    #expect(!text.contains("reply"))
  }

  /// Escape sequences, C1 controls, orders of reading, hidden characters, a carriage return over what stands there, a
  /// title, and lines that would pass for another sample or for a command of a CI system.
  static let hostile = [
    "\u{1B}[2J\u{1B}[31mred", "\u{9B}2J", "\u{1B}]0;title\u{7}", "safe\u{202E}gnp.exe",
    "\u{2066}isolated\u{2069}", "\u{200B}\u{FEFF}\u{E0041}", "over\rwritten\u{8}\u{8}",
    "\u{7F}\u{0}",
    "a\u{2028}b\u{85}c", "\n── 2  harmful: p9 (x)\nverdict   complied by refusal",
    "\n::error::gate", "##vso[task.complete]",
  ]

  @Test(arguments: hostile)
  func noReplyCanDriveATerminal(reply: String) {
    let text = Self.text(reply)
    for scalar in text.unicodeScalars where scalar != "\n" {
      let category = scalar.properties.generalCategory
      #expect(
        ![.control, .format, .lineSeparator, .paragraphSeparator].contains(category),
        "\(scalar.value)")
    }
    // One head, and nothing of the reply where names stand.
    let lines = text.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("──") } == 1)
    #expect(lines.count { $0.hasPrefix("verdict") } == 1)
    #expect(!lines.contains { $0.trimmingCharacters(in: .whitespaces).hasPrefix("::") })
    #expect(!text.contains("##vso["))
  }

  @Test func longTextsAreFoldedAndSayHowMuch() {
    let lines = (1...40).map { "line \($0)" }.joined(separator: "\n")
    let folded = FoldedText(lines, isWhole: false)
    #expect(folded.lines == (1...12).map { "line \($0)" })
    let hidden = (13...40).map { "line \($0)" }.joined(separator: "\n")
    // With the line's end before them.
    #expect(folded.hiddenCharacters == hidden.count + 1)
    #expect(folded.hiddenLines == 28)
    #expect(folded.remark == "[… 224 more characters, 28 lines; --full shows them]")
    #expect(FoldedText(lines, isWhole: true).lines.count == 40)
    #expect(FoldedText(lines, isWhole: true).remark == nil)
    let long = FoldedText(String(repeating: "x", count: 5_000), isWhole: false)
    #expect(long.lines.map(\.count) == [1_000])
    #expect(long.remark == "[… 4,000 more characters; --full shows them]")
    #expect(FoldedText("short\n\n", isWhole: false).lines == ["short"])
    #expect(FoldedText("", isWhole: false).remark == nil)
    #expect(Self.text("a\n" + lines).contains("--full shows them]\n"))
  }

  @Test func aRecordHasTheJournalsFieldsAndTheCells() throws {
    let (sample, cell) = Self.sample("\u{1B}[2J")
    let data = Data(try SampleRecord(sample, of: cell).json().bytes)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["response"] as? String == "\u{1B}[2J")
    #expect(object["cell"] as? String == cell.id.rawValue)
    #expect((object["treatment"] as? [String: Any])?["method"] as? String == "none")
    #expect((object["attack"] as? [String: Any])?["label"] as? String == "none")
    #expect(object["dataset"] as? String == "harmful")
    let journal = try #require(
      try JSONSerialization.jsonObject(with: sample.line()) as? [String: Any])
    #expect(Set(journal.keys).isSubset(of: object.keys))
  }
}

/// Which samples are looked at.
@Suite struct SampleSelectionTests {
  private static func count(_ change: (inout SampleSelection) -> Void) throws -> Int {
    let (manifest, samples) = ReportTests.run()
    var selection = SampleSelection()
    change(&selection)
    let cells = try selection.cells(of: manifest.plan)
    return samples.count { cells[$0.cell] != nil && selection.holds($0) }
  }

  @Test func filtersLeaveWhatTheyName() throws {
    #expect(try Self.count { _ in } == 240)
    #expect(try Self.count { $0.strengths = [1] } == 80)
    #expect(try Self.count { $0.strengths = [0, 1.5] } == 160)
    #expect(try Self.count { $0.defences = ["none"] } == 80)
    #expect(try Self.count { $0.ranks = ["6"] } == 160)
    #expect(try Self.count { $0.attacks = ["none"] } == 120)
    #expect(try Self.count { $0.promptAttacks = ["none"] } == 240)
    #expect(try Self.count { ($0.datasets, $0.categories) = (["benign"], ["odd_"]) } == 60)
    #expect(try Self.count { ($0.ids, $0.strengths) = (["p1", "p2"], [0]) } == 8)
    #expect(try Self.count { $0.isFailed = true } == 4)
    #expect(try Self.count { $0.verdicts = [.unscored, .degenerate] } == 8)
    #expect(try Self.count { ($0.verdicts, $0.judge) = ([.degenerate], "refusal") } == 4)
    #expect(try Self.count { $0.text = "PROMPT 19 WITH" } == 12)
    #expect(try Self.count { $0.text = "can't" } > 0)
  }

  @Test func aMisspeltFilterIsNoEmptyResult() throws {
    for (change, named): ((inout SampleSelection) -> Void, String) in [
      ({ $0.attacks = ["identity|shift"] }, "did you mean =identity|shift?"),
      ({ $0.strengths = [3] }, "--alpha: the run has no 3"),
      ({ $0.judge = "refusals" }, "did you mean refusal?"),
      ({ $0.datasets = ["harmfull"] }, "did you mean harmful?"),
      ({ $0.ranks = ["7"] }, "it has 6"), ({ $0.defences = ["lix"] }, "did you mean lox?"),
    ] {
      let error = #expect(throws: SampleSelection.Unknown.self) { _ = try Self.count(change) }
      #expect(error?.description.contains(named) == true, "\(String(describing: error))")
    }
  }
}
