package import Support

extension Measurement {
  /// What the numbers of a measurement may be, and what they are where nothing is said.
  package enum Ranges {
    /// Of each prompt.
    package static let samples = NumberRange(1...1_000)
    /// In tokens; servers have limits of their own.
    package static let maxTokens = NumberRange(1...1_000_000)
    /// As `maxTokens`, of thoughts.
    package static let maxReasoningTokens = NumberRange(1...1_000_000)
    package static let temperature = NumberRange(0.0...100.0)
    package static let connections = NumberRange(1...512)
  }

  package enum Standard {
    package static let samples = 1
    /// As in the reference evaluation.
    package static let maxTokens = 60
    /// Greedy.
    package static let temperature = 0.0
    package static let connections = 16
  }
}
