/// A model that can be read as well as asked: how likely it finds given replies.
///
/// Only what computes the model itself is one; servers of others tell of their own replies at most.
package protocol ReplyScoring: Sendable {
  /// The mean of −ln p, in nats, over the tokens of some replies to a conversation, each with its end: what
  /// training takes as its loss.
  ///
  /// - Parameter variant: the stack of scaled updates that selects the model.
  func loss(
    of replies: [String], to messages: [ChatMessage], variant: [ScaledUpdate]
  ) async throws(ChatFailure) -> Double
}
