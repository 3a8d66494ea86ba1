/// How a reply is decoded. Always sent whole: servers' own defaults differ and some are random.
public struct Decoding: Codable, Hashable, Sendable {
  /// 0 decodes greedily; above 0 samples from `softmax(logits / temperature)`.
  public var temperature: Double
  /// Nucleus sampling: the smallest set of tokens whose probability reaches this, in (0, 1].
  public var topP: Double
  /// The largest number of new tokens.
  public var maxTokens: Int
  /// Seeds the sampler; the same request with the same seed gives the same reply where the
  /// server keeps that promise.
  public var seed: UInt64
  /// Strings that end the reply and are left out of it.
  public var stop: [String]

  public init(
    temperature: Double = 0, topP: Double = 1, maxTokens: Int, seed: UInt64 = 0, stop: [String] = []
  ) {
    self.temperature = temperature
    self.topP = topP
    self.maxTokens = maxTokens
    self.seed = seed
    self.stop = stop
  }
}

/// One scaled low-rank update on top of the served checkpoint: the update's name and its scale.
public struct ScaledUpdate: Codable, Hashable, Sendable {
  public var name: String
  public var scale: Double

  public init(name: String, scale: Double) {
    self.name = name
    self.scale = scale
  }
}

/// A conversation to be continued by one model of a study.
public struct ChatRequest: Hashable, Sendable {
  public var messages: [ChatMessage]
  public var decoding: Decoding
  /// The stack of scaled updates that selects the model; empty is the served checkpoint itself.
  public var variant: [ScaledUpdate]
  /// The form that the reply must have; nil for any text.
  public var outputSchema: OutputSchema?

  public init(
    messages: [ChatMessage], decoding: Decoding, variant: [ScaledUpdate] = [],
    outputSchema: OutputSchema? = nil
  ) {
    self.messages = messages
    self.decoding = decoding
    self.variant = variant
    self.outputSchema = outputSchema
  }
}
