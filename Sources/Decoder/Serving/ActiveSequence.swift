/// A request on its way through the engine.
final class ActiveSequence {
  let id: Int
  let request: GenerationRequest
  let cache: KeyValueCache
  /// The prompt and what was generated after it.
  private(set) var tokens: [Int]
  /// How many of `tokens` are in the cache.
  var computed = 0
  var sampler: Sampler
  private let emit: @Sendable (GenerationEvent) -> Void
  /// Tokens that are handed over at the end.
  private var held: [GeneratedToken] = []
  /// The prompt's tokens that are scored already.
  private var scored: [GeneratedToken] = []

  init(
    id: Int, request: GenerationRequest, cache: KeyValueCache,
    emit: @escaping @Sendable (GenerationEvent) -> Void
  ) {
    self.id = id
    self.request = request
    self.cache = cache
    self.emit = emit
    tokens = request.prompt
    sampler = Sampler(request)
    if request.scoresPrompt {
      // Nothing precedes the first.
      scored = request.prompt.prefix(max(1, request.scoredFrom)).map {
        GeneratedToken(id: $0, logprob: nil, top: [])
      }
    }
  }

  /// Tokens that the next step could compute.
  var pending: Int { tokens.count - computed }

  var generated: Int { tokens.count - request.prompt.count }

  /// The prompt's tokens come before all others, as one event.
  func score(_ token: GeneratedToken) { scored.append(token) }

  func reportPrompt() {
    guard !scored.isEmpty else { return }
    emit(.prompt(scored))
    scored = []
  }

  func append(_ token: GeneratedToken) {
    tokens.append(token.id)
    if request.isStreamed { emit(.token(token)) } else { held.append(token) }
  }

  func finish(_ reason: FinishReason) {
    for token in held { emit(.token(token)) }
    emit(.finished(reason))
  }

  /// How many leading tokens of `prompt` this sequence holds computed entries for, if its model
  /// (the scales) is the same; at least one token of the prompt is left to be computed.
  func sharedPrefix(with other: GenerationRequest, _ shape: DecoderShape) -> Int {
    guard other.scales == request.scales else { return 0 }
    var limit = min(computed, other.prompt.count - 1)
    // The position before each scored token is computed for the sake of its logits.
    if other.scoresPrompt { limit = min(limit, max(0, other.scoredFrom - 1)) }
    // Entries keep the angles of the text that they were read in.
    for rotary in shape.rotaries where rotary.dependsOnLength {
      let kind = rotary.kind(ofLength: other.prompt.count)
      limit =
        (0..<limit).first {
          rotary.kind(ofLength: max(request.prompt.count, $0 + 1)) != kind
        } ?? limit
    }
    var length = 0
    while length < limit && tokens[length] == other.prompt[length] { length += 1 }
    return length
  }
}
