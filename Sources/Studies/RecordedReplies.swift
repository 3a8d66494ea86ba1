package import ModelAccess
package import PromptSets

/// Replies that are there already, in the place of a model: they are found by what was asked, and cannot be asked
/// anything else.
package struct RecordedReplies: ChatCompleting {
  private let sets: [String: RecordedSet]

  package init(_ sets: [RecordedSet]) {
    self.sets = Dictionary(
      sets.map { ($0.set.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The nth reply to a prompt of a set.
  func reply(
    to prompt: String, of dataset: String, number: Int
  ) throws(ChatFailure) -> ChatReply {
    let record = sets[dataset]?.reply(to: prompt, number: number)
    guard let record, let text = record.reply else {
      throw ChatFailure(
        code: "no-reply", message: record?.failure ?? "the file has no reply to it", attempts: 0,
        latencyMilliseconds: 0, isFatal: false)
    }
    let split = Thoughts(separating: text)
    return ChatReply(
      text: split.answer, reasoning: record.reasoning ?? split.reasoning,
      finishReason: record.finishReason, latencyMilliseconds: 0, attempts: 0,
      promptTokens: record.promptTokens, completionTokens: record.completionTokens)
  }

  package func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    throw .fatal("recorded", "replies that were recorded cannot be asked anything else")
  }
}
