/// A prompt to be continued, in tokens.
package struct GenerationRequest: Sendable {
  package var prompt: [Int]
  /// The largest number of new tokens, at least 1; 0 where only the prompt's probabilities are asked.
  package var maxTokens: Int
  /// 0 takes the likeliest token; above 0 samples from softmax(logits / temperature).
  package var temperature: Float
  /// Samples from the smallest set of tokens whose probability reaches this, in (0, 1].
  package var topP: Float
  /// Samples from so many of the likeliest tokens; nil from all.
  package var topK: Int?
  /// Samples from tokens at least so likely beside the likeliest, from 0 to 1.
  package var minP: Float
  /// What is done to the logits before a token is chosen.
  package var bias: SamplingBias
  /// Seeds this request's own generator, so that its reply depends on nothing else.
  package var seed: UInt64
  /// The scale of each loaded update for this request.
  package var scales: [Float]
  /// Tokens that end the reply and are not part of it.
  package var stopTokens: Set<Int>
  /// How many of the likeliest tokens to report with each token; nil reports no probabilities.
  package var topLogprobs: Int?
  /// Whether to report the prompt's tokens with their probabilities too.
  package var scoresPrompt: Bool
  /// Of a scored prompt, the first token whose probability is wanted: those before it are reported without.
  package var scoredFrom: Int
  /// Whether each token is handed over as it comes, or all together at the end, which spares the
  /// computing threads an interruption a token.
  package var isStreamed: Bool

  package init(
    prompt: [Int], maxTokens: Int, temperature: Float = 0, topP: Float = 1, topK: Int? = nil,
    minP: Float = 0, bias: SamplingBias = .none, seed: UInt64 = 0, scales: [Float] = [],
    stopTokens: Set<Int> = [], topLogprobs: Int? = nil, scoresPrompt: Bool = false,
    scoredFrom: Int = 0, isStreamed: Bool = true
  ) {
    self.prompt = prompt
    self.maxTokens = maxTokens
    self.temperature = temperature
    self.topP = topP
    self.topK = topK
    self.minP = minP
    self.bias = bias
    self.seed = seed
    self.scales = scales
    self.stopTokens = stopTokens
    self.topLogprobs = topLogprobs
    self.scoresPrompt = scoresPrompt
    self.scoredFrom = scoredFrom
    self.isStreamed = isStreamed
  }
}

/// Changes of the logits before a token is chosen; reported probabilities know nothing of them.
package struct SamplingBias: Hashable, Sendable {
  /// Divides positive logits, and multiplies negative ones, of tokens that stand in the prompt or the
  /// reply; above 1 penalises them (Keskar et al., arXiv 1909.05858).
  package var repetition: Float
  /// Subtracted from a token's logit as often as the token stands in the reply.
  package var frequency: Float
  /// Subtracted once from the logits of tokens that stand in the reply.
  package var presence: Float
  /// Added to the logits of these tokens.
  package var logits: [Int: Float]

  package init(
    repetition: Float = 1, frequency: Float = 0, presence: Float = 0, logits: [Int: Float] = [:]
  ) {
    self.repetition = repetition
    self.frequency = frequency
    self.presence = presence
    self.logits = logits
  }

  package static let none = SamplingBias()
}

/// A token with its natural logarithmic probability.
package struct TokenLogprob: Hashable, Sendable {
  package let id: Int
  package let logprob: Float
}

/// What a generation yields, in order: the prompt's tokens where they are scored, new tokens, then
/// how it ended.
package enum GenerationEvent: Sendable {
  /// The whole prompt; nothing precedes its first token, which has no probability.
  case prompt([GeneratedToken])
  case token(GeneratedToken)
  /// The last event.
  case finished(FinishReason)
}

/// One token of a reply or of a scored prompt.
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
