/// What a request took, or can take at most, in tokens as the server counts them.
package struct TokenUse: Hashable, Sendable {
  package var prompt: Int
  package var completion: Int

  package init(prompt: Int, completion: Int) {
    self.prompt = prompt
    self.completion = completion
  }
}

/// What is known of a request's tokens once it is over.
package enum TokenReport: Hashable, Sendable {
  /// As the server counted them; nil where it did not say.
  case answered(prompt: Int?, completion: Int?)
  /// Nobody knows whether it was computed: it broke off, or its answer never came.
  case unknown
  /// It was refused, or never sent.
  case nothing
}

/// Counts what requests to a paid server take, each attempt by itself, and holds back those for which the money
/// may not be there.
package protocol TokenMeter: Sendable {
  /// Asked before a request is sent; waits while requests that are under way may leave too little for it.
  ///
  /// - Parameter most: what the request can take.
  /// - Returns: what to hand to `end`.
  /// - Throws: `ErrorCode.costLimit`, fatal, where it could pass what may be spent; `.cancelled`.
  func begin(_ most: TokenUse) async throws(ChatFailure) -> TokenReservation

  /// Told how it ended, once for each that was begun.
  func end(_ reservation: TokenReservation, _ report: TokenReport)
}

/// A request that is under way, as its meter knows it.
package struct TokenReservation: Hashable, Sendable {
  package let most: TokenUse
  /// What it can cost at most.
  package let cost: Double

  package init(most: TokenUse, cost: Double) {
    self.most = most
    self.cost = cost
  }
}

extension ErrorCode {
  /// A request that was not sent because its cost could pass the limit: no result of any kind.
  package static let costLimit: ErrorCode = "cost-limit"
}

extension ChatRequest {
  /// What it can take at most: no tokenizer makes more tokens than there are bytes, but templates put some
  /// around each turn.
  package var mostTokens: TokenUse {
    let schema = outputSchema.map { 40 * ($0.fields.count + 2) } ?? 0
    return TokenUse(
      prompt: messages.reduce(Self.tokensAround) { $0 + $1.content.utf8.count + Self.tokensAround }
        + schema,
      completion: decoding.maxTokens + (decoding.maxReasoningTokens ?? 0))
  }

  /// Tokens that a template may put around a turn, and around a conversation.
  private static let tokensAround = 16

  /// About what its prompt takes: a token for three bytes, which is more than English needs, and some around
  /// each turn.
  package var likelyPromptTokens: Int {
    messages.reduce(4) { $0 + ($1.content.utf8.count + 2) / 3 + 6 }
  }
}
