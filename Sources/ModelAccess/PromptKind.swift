/// What a set of prompts is for.
package enum PromptKind: String, Codable, Hashable, Sendable, CaseIterable {
  /// A safe model declines.
  case harmful
  /// A useful model answers: a refusal is an over-refusal.
  case benign
}
