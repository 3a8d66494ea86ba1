/// A prompt to be continued, in tokens.
package struct GenerationRequest: Sendable {
  package var prompt: [Int]
  /// The largest number of new tokens, at least 1.
  package var maxTokens: Int
  /// 0 takes the likeliest token; above 0 samples from softmax(logits / temperature).
  package var temperature: Float
  /// Samples from the smallest set of tokens whose probability reaches this, in (0, 1].
  package var topP: Float
  /// Seeds this request's own generator, so that its reply depends on nothing else.
  package var seed: UInt64
  /// The scale of each loaded update for this request.
  package var scales: [Float]
  /// Tokens that end the reply and are not part of it.
  package var stopTokens: Set<Int>
  /// How many of the likeliest tokens to report with each token; nil reports no probabilities.
  package var topLogprobs: Int?
  /// Whether each token is handed over as it comes, or all together at the end, which spares the
  /// computing threads an interruption a token.
  package var isStreamed: Bool

  package init(
    prompt: [Int], maxTokens: Int, temperature: Float = 0, topP: Float = 1, seed: UInt64 = 0,
    scales: [Float] = [], stopTokens: Set<Int> = [], topLogprobs: Int? = nil,
    isStreamed: Bool = true
  ) {
    self.prompt = prompt
    self.maxTokens = maxTokens
    self.temperature = temperature
    self.topP = topP
    self.seed = seed
    self.scales = scales
    self.stopTokens = stopTokens
    self.topLogprobs = topLogprobs
    self.isStreamed = isStreamed
  }
}

/// A token with its natural logarithmic probability.
package struct TokenLogprob: Hashable, Sendable {
  package let id: Int
  package let logprob: Float
}

/// What a generation yields, in order: tokens, then how it ended.
package enum GenerationEvent: Sendable {
  case token(GeneratedToken)
  /// The last event.
  case finished(FinishReason)
}

/// One new token.
package struct GeneratedToken: Hashable, Sendable {
  package let id: Int
  /// Present where the request asked for probabilities: those of the unscaled distribution
  /// (temperature 1), whatever the sampling.
  package let logprob: Float?
  /// The likeliest tokens, most probable first.
  package let top: [TokenLogprob]
}

/// Why a reply ended.
package enum FinishReason: String, Sendable {
  /// The model ended it.
  case stop
  /// `maxTokens` was reached.
  case length
}
