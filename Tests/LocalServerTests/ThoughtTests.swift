import Testing

@testable import LocalServer

/// Tokens of thoughts and of the answer, counted apart as they come.
@Suite struct ThoughtTests {
  /// Feeds a text in pieces of some characters until it ends or is ended.
  private func read(
    _ text: String, by size: Int = 4, thoughts: Int, answer: Int, beginning: String = ""
  ) -> (said: String, meter: ThoughtMeter) {
    var meter = ThoughtMeter(thoughts: thoughts, answer: answer, beginning: beginning)
    var (said, rest) = ("", text[...])
    while !rest.isEmpty {
      let piece = String(rest.prefix(size))
      rest = rest.dropFirst(size)
      said += piece
      if meter.isSpent(by: piece) { break }
    }
    return (said, meter)
  }

  @Test func eachHasABudgetOfItsOwn() {
    // 40 characters of thoughts with their marks, then 40 of an answer.
    let text = "<think>" + String(repeating: "hm", count: 12) + ".</think>"
    let found = read(text + String(repeating: "No. ", count: 10), thoughts: 20, answer: 5)
    #expect(found.meter.thoughtTokens == 10 && found.meter.answerTokens == 5)
    #expect(found.said == text + String(repeating: "No. ", count: 5))
  }

  @Test func thoughtsAreCutAtTheirs() {
    let found = read(
      "<think>" + String(repeating: "hm", count: 100) + "</think>No.", thoughts: 8, answer: 5)
    #expect(found.meter.thoughtTokens == 8 && found.meter.answerTokens == 0)
    #expect(found.said.count == 32)
  }

  @Test func aModelThatDoesNotThinkHasItsAnswersBudgetAlone() {
    let found = read(String(repeating: "No. ", count: 100), thoughts: 50, answer: 40)
    #expect(found.meter.thoughtTokens == 0 && found.meter.answerTokens == 40)
    // A mark further on opens nothing.
    let quoted = read(
      String(repeating: "No. ", count: 40) + "<think>" + String(repeating: "hm", count: 80),
      thoughts: 50, answer: 60)
    #expect(quoted.meter.thoughtTokens == 0 && quoted.meter.answerTokens == 60)
  }

  @Test func whatTheTemplateOpenedIsThoughtFromTheStart() {
    let found = read(
      "Okay.\n\nThe user: wants > 3</think>\n\nNo. No. No. No. ", thoughts: 20, answer: 2,
      beginning: "<think>\n")
    #expect(found.meter.thoughtTokens == 9 && found.meter.answerTokens == 2)
  }

  /// The smallest reply there is, and marks that arrive a character at a time.
  @Test func marksMayArriveInPieces() {
    let found = read("<think></think>No.", by: 1, thoughts: 30, answer: 2)
    #expect(found.meter.thoughtTokens == 15 && found.meter.answerTokens == 2)
    #expect(found.said == "<think></think>No")
  }

  /// A served model without thoughts: as many tokens as without the budget, and the same text.
  @Test func theServerHonoursTheField() async throws {
    let asked = try CompletionTests.Asked()
    let plain = try await asked.texts("\"temperature\":0")
    let budgeted = try await asked.texts("\"temperature\":0,\"max_reasoning_tokens\":30")
    #expect(plain == budgeted)
    let (reply, object) = try await asked.ask(
      "/v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"tell\"}],\"max_tokens\":5,"
        + "\"max_reasoning_tokens\":30,\"temperature\":0}")
    #expect(reply.status == 200)
    let usage = try #require(object["usage"] as? [String: Any])
    #expect(usage["completion_tokens"] as? Int == 5)
    #expect(
      (usage["completion_tokens_details"] as? [String: Any])?["reasoning_tokens"] as? Int == 0)
    // Plain completions have no thoughts to tell apart.
    let (refused, _) = try await asked.ask(
      "/v1/completions", "{\"prompt\":\"tell\",\"max_reasoning_tokens\":3}")
    #expect(refused.status == 400)
    asked.stop()
  }
}
