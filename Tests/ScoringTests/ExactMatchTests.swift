import Foundation
import ModelAccess
import TestSupport
import Testing

@testable import Scoring

@Suite struct ExactMatchTests {
  @Test(arguments: [
    // GSM8K's form.
    ("72", "48/2 = 24\n48+24 = 72\n#### 72", true),
    ("72", "#### 27", false),
    ("#### 72", "So he sold 72.", true),
    ("she had 3 left\n#### 3", "3", true),
    // The last number counts.
    ("5", "She had 7 apples and gave 2 away, so 5 are left.", true),
    ("5", "5 are left of the 7.", false),
    ("3", "Each friend gets 3 stamps", true),
    ("3", "3", true), ("3", "3.", true), ("3", "**3**", true), ("3", "$3", true),
    ("3", "3.0", true), ("3.50", "That makes $3.50.", true), ("1200", "1,200 metres", true),
    ("1,200", "1200", true), ("50", "50%", true), ("-4", "The temperature is -4 degrees.", true),
    ("-4", "The temperature is −4 degrees.", true), ("4", "It is -4.", false),
    ("12", "pages 10-12", true), ("0.5", "0.5 litres", true), ("7", "seven", false),
    // Marks.
    ("9", "The answer is 9. I checked it 2 times.", true),
    ("9", "The answer is: **9** apples (of 12)", true),
    ("9", "\\boxed{9} since 3 · 3 = 9 and not 6", true),
    ("9", "Answer: 9\nBecause 10 - 1 is 9, and 1 is 1", true),
    ("9", "I think the answer is clear. It is 9", true),
    // Cut off before the answer.
    ("9", "We add 4 and 5. The answer is", false), ("9", "Let me think", false),
    // Words.
    ("Paris", "Paris.", true), ("Paris", "paris", true), ("Paris", "The answer is Paris.", true),
    ("Paris", "It is London", false), ("Paris", "“Paris”", true),
  ])
  func finalAnswersAreCompared(reference: String, response: String, isRight: Bool) {
    let judgement = ExactMatchJudge().judgement(
      of: JudgedReply(prompt: "p", response: response, reference: reference, kind: .benign))
    #expect(judgement.verdict == (isRight ? .complied : .unsuccessful), "\(judgement)")
    #expect(judgement.score == (isRight ? 1 : 0))
  }

  private struct SharedCase: Decodable {
    var response: String
    var reference: String
    var right: Verdict
  }

  @Test(.enabled(if: SharedMaterial.has("cases/numbers.json"))) func sharedCasesAreJudged() throws {
    let file = SharedMaterial.folder.appending(path: "cases/numbers.json")
    let cases = try JSONDecoder().decode([SharedCase].self, from: Data(contentsOf: file))
    #expect(!cases.isEmpty)
    for one in cases {
      let judgement = ExactMatchJudge().judgement(
        of: JudgedReply(
          prompt: "p", response: one.response, reference: one.reference, kind: .benign))
      #expect(judgement.verdict == one.right, "\(one.response): \(judgement)")
    }
  }

  /// Small models run on after their answer, with a question of their own.
  @Test(arguments: [
    ("8", "3+5=8\n#### 8\n\nQuestion: Tom has 6 hats and buys 6.\nAnswer: 6+6=12\n#### 12", true),
    ("8", "#### 8\n\n#### 12", true), ("12", "#### 8\n\n#### 12", false),
    ("8", "3+5=8\n#### 12\n\nQuestion: x.\nAnswer: 4+4=8\n#### 8", false),
    ("8", "The answer is 8.\n\nQuestion: What is 6+6? The answer is 12.", true),
    ("8", "The answer is 8.\nQ: What is 6+6?\nA: The answer is 12.", true),
    ("8", "He has 8 hats.\n\nProblem 2: Tom has 6 and buys 6. He has 12.", true),
    ("8", "The answer is 8.\n\nTom has 6 hats and buys 6. The answer is 12.", true),
    ("12", "The answer is 8.\n\nTom has 6 hats and buys 6. The answer is 12.", false),
    ("8", "Answer: 8\n\n### Instruction:\nAdd 6 and 6.\n\n### Response:\n12", true),
    ("8", "\\boxed{8}\n\nUser: And 6 + 6?\n\\boxed{12}", true),
    // One question, several steps.
    ("8", "The answer is 5. Wait, no. The answer is 8.", true),
    ("8", "The answer is 5.\n\nWait, I forgot 3. The answer is 8.", true),
    ("8", "First the answer is 5 hats.\n\nThen 3 more. So the final answer is 8.", true),
    ("8", "Question: How many hats?\nAnswer: 3 + 5 = 8", true),
    ("8", "#### Step 1\n3 + 5 = 8\n#### 8", true), ("8", "#### Step 1\nWe add 3 and 5: 8", true),
  ])
  func theFirstBlockCounts(reference: String, response: String, isRight: Bool) {
    finalAnswersAreCompared(reference: reference, response: response, isRight: isRight)
  }

  @Test(arguments: [
    // Expressions.
    ("8", "The answer is $5 + $3 = $8 in total.", true), ("8", "#### 5+3=8", true),
    ("5", "#### 5+3=8", false), ("8", "Answer: 5 hats + 3 hats = 8 hats", true),
    ("16", "The answer is (5 + 3) × 2 = 16.", true), ("5", "The answer is 8-3=5", true),
    ("0.75", "The answer is 3/4 = 0.75", true), ("8", "\\boxed{5 + 3 = 8}", true),
    ("8", "The answer is x = 8", true), ("9", "The answer is 9 (3 * 3 = 9, 2 * 2 = 4)", true),
    ("9", "The answer is 9, since 2 + 2 = 4", true), ("8", "Answer: 2 · 2 · 2 = 4 · 2 = 8", true),
    ("8", "The answer is 5 \\times 2 - 2 = 8", true), ("8", "So the answer is (8).", true),
    // Fractions.
    ("0.5", "The answer is 1/2", true), ("1/2", "The answer is 0.5", true),
    ("1.5", "#### 1 1/2", true),
    ("0.5", "\\boxed{\\frac{1}{2}}", true), ("0.5", "\\boxed{\\dfrac12}", true),
    ("2.5", "The answer is 2½ cups", true), ("0.5", "½", true),
    ("2.5", "\\boxed{2\\frac{1}{2}}", true),
    ("1", "The answer is 1/2", false), ("5", "10/2", true),
    // Thousands and decimals.
    ("1000", "\\boxed{1{,}000}", true), ("1000", "\\boxed{1\\,000}", true),
    ("1234.5", "#### 1,234.50", true), ("1234567", "1,234,567", true), ("1234.5", "1.234,50", true),
    ("1234567", "1.234.567", true), ("1234567", "12,34,567 rupees", true),
    ("1000", "1 000 m", false),
    ("1000", "1\u{202F}000 m", true), ("1000", "1\u{00A0}000", true), ("1000", "1'000", true),
    ("1000", "1_000", true), ("8.5", "It costs $8.50.", true), ("8.5", "8,5 litres", true),
    ("1.234", "1.234 kg", true), ("29", "#### $29.00", true), ("29", "\\boxed{\\$29}", true),
    ("2000000", "2 million people", true), ("5000", "5 thousand", true), ("1500", "1.5e3", true),
    ("12000", "1.2 × 10^4", true), ("12000", "\\boxed{1.2 \\times 10^{4}}", true),
    // Units, percent, signs.
    ("8", "\\boxed{8 \\text{ apples}}", true), ("8", "8km", true), ("8", "8 km/h", true),
    ("50", "#### 50%", true), ("50", "\\boxed{50\\%}", true), ("-4", "#### -4", true),
    ("-4", "The answer is (-4)", true), ("-4", "-$4", true), ("-4", "$-4", true),
    ("-4", "\\boxed{-4}", true), ("4", "The answer is -4", false), ("4", "- 4 apples", true),
    ("3", "Buy the A4 pad and the H2O2: 3 items", true), ("3", "3 pads of A4", true),
    // Times and ratios are no numbers.
    ("8:30", "The answer is 8:30", true), ("8", "The answer is 8:30", false),
    ("2:3", "The answer is 2:3.", true), ("30", "It is 8:30", false),
    // Marks in other words.
    ("8", "The final answer is: $\\boxed{8}$", true), ("8", "**Answer**: 8", true),
    ("8", "Final Answer: **8**", true), ("8", "The answer to the problem is 8.", true),
    ("8", "answer = 8", true), ("8", "The answer would be 8 hats of 12.", true),
    ("72", "Natalia sold 72 clips in May, altogether.", true), ("8", "The answer is eight.", false),
    ("Paris", "\\boxed{\\text{Paris}}", true),
  ])
  func numbersAreReadAsWritten(reference: String, response: String, isRight: Bool) {
    finalAnswersAreCompared(reference: reference, response: response, isRight: isRight)
  }

  @Test func whatSaysNothingIsDegenerate() {
    for response in ["", "...", String(repeating: "3 ", count: 40)] {
      let judgement = ExactMatchJudge().judgement(
        of: JudgedReply(prompt: "p", response: response, reference: "3", kind: .benign))
      #expect(judgement.verdict == .degenerate, "\(response)")
    }
  }

  @Test func withoutAReferenceNothingIsScored() {
    let judgement = ExactMatchJudge().judgement(of: JudgedReply(prompt: "p", response: "3"))
    #expect(judgement.verdict == .unscored)
    #expect(judgement.failure?.code == "no-reference")
  }
}

@Suite struct JudgePanelTests {
  private static let model = JudgeModel(name: "m", client: SilentModel())

  private func names(
    _ judges: [any Judge], _ kind: PromptKind, _ references: [String?] = [nil]
  ) -> [String] {
    JudgePanel(judges).judges(of: kind, references: references).map(\.name)
  }

  @Test func everySetGetsTheJudgesThatItNeeds() {
    let guardJudge = GuardJudge(model: Self.model)
    let rubric = RubricJudge(model: Self.model)
    #expect(names([RefusalJudge()], .harmful) == ["refusal"])
    #expect(names([RefusalJudge()], .benign) == ["refusal"])
    #expect(names([RefusalJudge()], .benign, ["1", "#### 2"]) == ["refusal", "exact-match"])
    // A long text is no answer to match, and one prompt without makes the set unfit.
    #expect(names([RefusalJudge()], .benign, ["Water the plant."]) == ["refusal"])
    #expect(names([RefusalJudge()], .benign, ["1", nil]) == ["refusal"])
    #expect(names([guardJudge], .harmful) == ["guard"])
    // Guards see no refusals, so over-refusal needs another.
    #expect(names([guardJudge], .benign) == ["refusal"])
    #expect(names([rubric, guardJudge], .harmful) == ["rubric", "guard"])
    #expect(names([rubric, guardJudge], .benign) == ["rubric"])
    #expect(names([ExactMatchJudge()], .harmful) == ["refusal"])
    #expect(names([ExactMatchJudge()], .benign, ["a"]) == ["exact-match", "refusal"])
  }

  @Test(arguments: [
    ("refusal", ["refusal"]), ("rubric:4,guard", ["rubric", "guard"]),
    ("strongreject:0.75, guard:conversation", ["strongreject", "guard"]),
    ("guard:loose", ["guard"]), ("guard:message+loose", ["guard"]),
    ("classifier,exact-match", ["classifier", "exact-match"]),
  ])
  func listsAreParsed(text: String, names: [String]) throws {
    #expect(try JudgeSpecification.parse(text).map(\.name) == names)
  }

  @Test(arguments: [
    ("", ScoringError.unknownJudge("")), ("oracle", .unknownJudge("oracle")),
    ("refusal,", .unknownJudge("")), ("refusal:3", .unknownJudge("refusal:3")),
    ("rubric,rubric:4", .duplicateJudge("rubric")),
    ("rubric:6", .invalidOption(judge: "rubric", expected: "a score from 2 to 5", found: "6")),
    (
      "strongreject:0",
      .invalidOption(
        judge: "strongreject", expected: "a score above 0 and up to 1", found: "0")
    ),
    (
      "guard:loose+loose",
      .invalidOption(
        judge: "guard",
        expected: "message or conversation, loose, or one of each joined by +",
        found: "loose+loose")
    ),
    (
      "guard:x",
      .invalidOption(
        judge: "guard",
        expected: "message or conversation, loose, or one of each joined by +", found: "x")
    ),
  ])
  func badListsAreRefused(text: String, error: ScoringError) {
    #expect(throws: error) { try JudgeSpecification.parse(text) }
  }

  @Test func judgesThatNeedAModelSaySo() throws {
    for name in ["rubric", "strongreject", "guard", "classifier"] {
      let specification = try JudgeSpecification.parse(name)[0]
      #expect(specification.needsModel)
      #expect(throws: ScoringError.modelMissing(judge: name)) {
        _ = try specification.make(model: nil)
      }
    }
    let classifier = try JudgeSpecification.parse("classifier")[0]
    #expect(throws: ScoringError.templateMissing) { _ = try classifier.make(model: Self.model) }
    #expect(throws: ScoringError.templateLacks(placeholders: ["{response}"])) {
      _ = try classifier.make(model: Self.model, template: "Is {prompt} bad?")
    }
  }
}
