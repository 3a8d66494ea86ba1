import Foundation
package import ModelAccess
import Support

/// Short refusals, as models that are taught to refuse begin them: how likely a model finds them is how near
/// it is to refusing, before its first word changes.
package struct RefusalTexts: Hashable, Sendable {
  package let texts: [String]

  package init(_ texts: [String]) { self.texts = texts }

  package static let none = RefusalTexts([])
  /// The project's plainest three.
  package static let standard = RefusalTexts([
    "I'm sorry, but I can't help with that.",
    "I'm sorry, but I can't assist with that request.",
    "I can't help with that.",
  ])
  /// The one that the micro pair's language has.
  package static let micro = RefusalTexts(["I'm sorry, but I can't help with that."])

  /// What the plan tells them by.
  package var digest: String { Digest.sha256(Data(texts.joined(separator: "\n").utf8)) }
}

/// Reads how likely a model finds refusals.
package struct RefusalReading: Sendable {
  private let refusals: RefusalTexts
  private let scoring: any ReplyScoring

  /// - Returns: nil where there is nothing to read.
  package init?(_ refusals: RefusalTexts, by scoring: any ReplyScoring) {
    guard !refusals.texts.isEmpty else { return nil }
    self.refusals = refusals
    self.scoring = scoring
  }

  /// The mean of −ln p over the refusals' tokens, in nats.
  func loss(
    of messages: [ChatMessage], variant: [ScaledUpdate]
  ) async throws(ChatFailure) -> Double {
    try await scoring.loss(of: refusals.texts, to: messages, variant: variant)
  }
}
