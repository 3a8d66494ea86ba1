import ModelAccess
import TestSupport
import Testing

@testable import Inference

/// What becomes of replies where thoughts have a budget apart from the answer's and the server one limit.
@Suite struct ReasoningBudgetTests {
  /// 20 tokens of an answer, 100 of thoughts.
  private static let decoding = Decoding(maxTokens: 20, maxReasoningTokens: 100)

  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var spent: ReasoningBudget.Spent
    var keeps: Bool?
    var says = ""

    var testDescription: String { name }
  }

  private static func spent(
    _ finish: String?, reasoning: String? = nil, answer: String = "No.", tokens: Int?,
    thoughts: Int? = nil
  ) -> ReasoningBudget.Spent {
    ReasoningBudget.Spent(
      finish: finish, reasoning: reasoning, answer: answer, completionTokens: tokens,
      reasoningTokens: thoughts)
  }

  @Test(arguments: [
    Case(
      name: "within both", spent: spent("stop", reasoning: "Hm", tokens: 60, thoughts: 50),
      keeps: true),
    Case(
      name: "the server counts nothing", spent: spent("length", reasoning: "Hm", tokens: nil),
      keeps: true),
    Case(
      name: "long thoughts, whole answer",
      spent: spent("stop", reasoning: "Hm", tokens: 115, thoughts: 110), keeps: true),
    Case(
      name: "long thoughts cut the answer",
      spent: spent("length", reasoning: "Hm", tokens: 120, thoughts: 115), keeps: nil,
      says: "took 115 tokens of 100 and cut its answer short after 5 of 20"),
    Case(
      name: "both at their limit",
      spent: spent("length", reasoning: "Hm", tokens: 120, thoughts: 100),
      keeps: true),
    Case(
      name: "the template opened the thoughts, and nothing ended them",
      spent: spent("length", answer: "Okay, the user wants", tokens: 120), keeps: nil,
      says: "used up 120 tokens and shows no end of its reasoning"),
    Case(
      name: "an answer of a model that did not think", spent: spent("stop", tokens: 4), keeps: true),
    Case(
      name: "too long an answer, without thoughts",
      spent: spent("stop", answer: words(40), tokens: 40), keeps: false),
    Case(
      name: "hidden thoughts, too long an answer",
      spent: spent("stop", answer: words(40), tokens: 90, thoughts: 50), keeps: false),
  ])
  func repliesAreHeldToTheirBudgets(_ one: Case) throws {
    let budget = try #require(ReasoningBudget(Self.decoding))
    switch (budget.verdict(on: one.spent), one.keeps) {
    case (.keeps, true?), (.answersTooLong, false?): break
    case (.endsInThoughts(let why), nil): #expect(why.contains(one.says))
    case (let found, _): Issue.record("\(one.name): \(found)")
    }
  }

  private static func words(_ count: Int) -> String {
    Array(repeating: "word", count: count).joined(separator: " ")
  }

  @Test func anAnswerIsCutToItsShareAtABlank() throws {
    let budget = try #require(ReasoningBudget(Self.decoding))
    let long = Self.spent(
      "stop", reasoning: Self.words(60), answer: Self.words(40), tokens: 100)
    // 40 of 100 tokens by the texts' lengths.
    #expect(budget.verdict(on: long) == .answersTooLong(Self.words(20)))
    // Thoughts in shorter words than the answer's: words are counted, not letters.
    let mixed = Self.spent(
      "stop", reasoning: Array(repeating: "a", count: 60).joined(separator: " "),
      answer: Self.words(40), tokens: 100)
    #expect(budget.verdict(on: mixed) == .answersTooLong(Self.words(20)))
    // A language without blanks is cut between its characters.
    let dense = Self.spent(
      "stop", answer: String(repeating: "不", count: 80), tokens: 40, thoughts: 0)
    #expect(budget.verdict(on: dense) == .answersTooLong(String(repeating: "不", count: 40)))
  }

  /// One limit: the sum is asked for, and the answer comes back no longer than its part.
  @Test func aPlainServerIsAskedForBoth() async throws {
    let server = try ScriptedHTTPServer { exchange in
      let isAskedForTheSum = exchange.request.contains("\"max_tokens\":120,")
      let isSilent = !exchange.request.contains("max_reasoning_tokens")
      exchange.reply(
        "{\"choices\":[{\"message\":{\"content\":\"\(Self.words(40))\","
          + "\"reasoning_content\":\"\(isAskedForTheSum && isSilent)\"},"
          + "\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":50,"
          + "\"completion_tokens_details\":{\"reasoning_tokens\":10}}}")
    }
    defer { server.stop() }
    var request = ClientTests.request
    request.decoding = Self.decoding
    let reply = try await ClientTests.client(server).complete(request)
    #expect(reply.reasoning == "true")
    #expect(reply.text == Self.words(20) && reply.finishReason == "length")
    #expect(reply.completionTokens == 50)
  }

  /// A server that keeps thoughts apart is told both, and cuts nothing off twice.
  @Test func aServerThatTakesTheBudgetIsTold() async throws {
    let server = try ScriptedHTTPServer { exchange in
      let isTold =
        exchange.request.contains("\"max_tokens\":20,")
        && exchange.request.contains("\"max_reasoning_tokens\":100")
      exchange.reply(
        "{\"choices\":[{\"message\":{\"content\":\"<think>\(isTold)</think>\(Self.words(20))\"},"
          + "\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":30,"
          + "\"completion_tokens_details\":{\"reasoning_tokens\":10}}}")
    }
    defer { server.stop() }
    var request = ClientTests.request
    request.decoding = Self.decoding
    let client = try ClientTests.client(
      server, dialect: LlamaServerDialect(adapterIDs: [:], isEmbedded: true))
    let reply = try await client.complete(request)
    #expect(reply.reasoning == "true" && reply.text == Self.words(20))
  }

  /// Marks with which templates open thoughts, and ends of prompts that open none.
  @Test(
    arguments: [
      ("<|im_start|>assistant\n<think>\n", "<think>"), ("<｜Assistant｜><think>", "<think>"),
      ("[INST] Hello [/INST][THINK]", "[THINK]"), ("<|assistant|>◁think▷", "◁think▷"),
      ("<|im_start|>assistant\n", nil), ("assistant\n<think>\n\n</think>\n\n", nil),
      ("assistant\nHm <think> so", nil), ("assistant\n<answer>", nil), ("", nil),
    ] as [(String, String?)])
  func templatesOpenThoughts(prompt: String, mark: String?) {
    #expect(Thoughts.opening(atEndOf: prompt) == mark)
  }

  @Test func withoutABudgetNothingChanges() {
    #expect(ReasoningBudget(Decoding(maxTokens: 20)) == nil)
  }
}
