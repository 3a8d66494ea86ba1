/// How a reply is decoded. Always sent whole: servers' own defaults differ and some are random.
package struct Decoding: Codable, Hashable, Sendable {
  /// 0 decodes greedily; above 0 samples from `softmax(logits / temperature)`.
  package var temperature: Double
  /// Nucleus sampling: the smallest set of tokens whose probability reaches this, in (0, 1].
  package var topP: Double
  /// The largest number of new tokens.
  package var maxTokens: Int
  /// The largest number of new tokens that a thinking model may spend on its thoughts, apart from
  /// `maxTokens`, which is then the answer's alone; nil where both share `maxTokens`.
  package var maxReasoningTokens: Int?
  /// Seeds the sampler; the same request with the same seed gives the same reply where the
  /// server keeps that promise.
  package var seed: UInt64
  /// Strings that end the reply and are left out of it.
  package var stop: [String]

  package init(
    temperature: Double = 0, topP: Double = 1, maxTokens: Int, maxReasoningTokens: Int? = nil,
    seed: UInt64 = 0, stop: [String] = []
  ) {
    self.temperature = temperature
    self.topP = topP
    self.maxTokens = maxTokens
    self.maxReasoningTokens = maxReasoningTokens
    self.seed = seed
    self.stop = stop
  }
}

/// A conversation to be continued by one model of a study.
package struct ChatRequest: Hashable, Sendable {
  package var messages: [ChatMessage]
  package var decoding: Decoding
  /// The stack of scaled updates that selects the model; empty is the served checkpoint itself.
  package var variant: [ScaledUpdate]
  /// The form that the reply must have; nil for any text.
  package var outputSchema: OutputSchema?

  /// Whether the last turn is the model's own, left open: it goes on from there.
  package var isContinued: Bool { messages.last?.role == .assistant }

  package init(
    messages: [ChatMessage], decoding: Decoding, variant: [ScaledUpdate] = [],
    outputSchema: OutputSchema? = nil
  ) {
    self.messages = messages
    self.decoding = decoding
    self.variant = variant
    self.outputSchema = outputSchema
  }
}
