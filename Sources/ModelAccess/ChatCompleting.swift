/// What a model answered.
package struct ChatReply: Hashable, Sendable {
  package var text: String
  /// What a reasoning model thought before it answered, where the server keeps it apart.
  package var reasoning: String?
  /// The text with which the model declined in the API's own field for that; `text` holds it too where
  /// there is no other. nil where the field is absent.
  package var refusal: String?
  /// `stop`, `length`, or the server's own word; nil where it gave none.
  package var finishReason: String?
  /// From the first byte sent to the last byte received, of the attempt that succeeded.
  package var latencyMilliseconds: Double
  /// Requests sent until this reply arrived; 1 when nothing had to be retried.
  package var attempts: Int
  package var promptTokens: Int?
  package var completionTokens: Int?

  package init(
    text: String, reasoning: String? = nil, refusal: String? = nil, finishReason: String?,
    latencyMilliseconds: Double, attempts: Int, promptTokens: Int? = nil,
    completionTokens: Int? = nil
  ) {
    self.text = text
    self.reasoning = reasoning
    self.refusal = refusal
    self.finishReason = finishReason
    self.latencyMilliseconds = latencyMilliseconds
    self.attempts = attempts
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
  }
}

/// Why no answer came, after every retry that made sense.
package struct ChatFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// A stable code that reports count by, such as `timeout`, `http-429` or `malformed-reply`.
  package var code: ErrorCode
  /// What was expected, what was found, what to do.
  package var message: String
  package var attempts: Int
  package var latencyMilliseconds: Double
  /// True where no other request can succeed either (bad key, no such model): the run should stop.
  package var isFatal: Bool

  package init(
    code: ErrorCode, message: String, attempts: Int, latencyMilliseconds: Double, isFatal: Bool
  ) {
    self.code = code
    self.message = message
    self.attempts = attempts
    self.latencyMilliseconds = latencyMilliseconds
    self.isFatal = isFatal
  }

  package var description: String { "\(code): \(message)" }

  /// As it is kept.
  package var failure: Failure { Failure(code, message) }

  /// The server cannot serve what the study asks for: no other request can help.
  package static func fatal(_ code: ErrorCode, _ message: String) -> ChatFailure {
    ChatFailure(code: code, message: message, attempts: 0, latencyMilliseconds: 0, isFatal: true)
  }
}

/// Anything that continues a conversation: a server behind the client, or a judge's model.
package protocol ChatCompleting: Sendable {
  func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply

  /// Told that a variant will be asked soon, by one that has others to ask meanwhile: time to make it
  /// ready. What fails shows when it is asked.
  func anticipate(_ variant: [ScaledUpdate]) async
}

extension ChatCompleting {
  package func anticipate(_ variant: [ScaledUpdate]) async {}
}
