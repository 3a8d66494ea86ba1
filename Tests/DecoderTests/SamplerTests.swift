import Testing

@testable import Decoder

/// Which token is chosen from given logits.
@Suite struct SamplerTests {
  private static func choose(
    _ logits: [Float], after tokens: [Int] = [0], promptCount: Int = 1,
    _ change: (inout GenerationRequest) -> Void
  ) -> Set<Int> {
    var chosen = Set<Int>()
    for seed in UInt64(0)..<200 {
      var request = GenerationRequest(prompt: [0], maxTokens: 1, temperature: 1, seed: seed)
      change(&request)
      var sampler = Sampler(request)
      chosen.insert(
        unsafe logits.withUnsafeBufferPointer {
          unsafe sampler.choose($0, after: tokens, promptCount: promptCount)
        })
    }
    return chosen
  }

  private let logits: [Float] = [0, 3, 2, 2.9, -50]

  @Test func likeliestTokensAreKept() {
    #expect(Self.choose(logits) { _ in } == [0, 1, 2, 3])
    #expect(Self.choose(logits) { $0.topK = 2 } == [1, 3])
    #expect(Self.choose(logits) { $0.topK = 1 } == [1])
    #expect(Self.choose(logits) { $0.topK = 100 } == [0, 1, 2, 3])
    // e^(2 − 3) is 0.37 of the likeliest, e^(2.9 − 3) 0.90.
    #expect(Self.choose(logits) { $0.minP = 0.3 } == [1, 2, 3])
    #expect(Self.choose(logits) { $0.minP = 0.5 } == [1, 3])
    #expect(Self.choose(logits) { $0.minP = 1 } == [1])
    // Of the two that are left, the likelier has 0.52.
    #expect(
      Self.choose(logits) {
        $0.topK = 2
        $0.topP = 0.5
      } == [1])
  }

  @Test func logitsAreBiased() {
    func greedy(_ bias: SamplingBias, after tokens: [Int], promptCount: Int) -> Set<Int> {
      Self.choose(logits, after: tokens, promptCount: promptCount) {
        $0.temperature = 0
        $0.bias = bias
      }
    }
    #expect(greedy(SamplingBias(logits: [4: 60]), after: [0], promptCount: 1) == [4])
    #expect(greedy(SamplingBias(logits: [1: -100, 3: -100]), after: [0], promptCount: 1) == [2])
    // Penalties of the reply do not look at the prompt.
    #expect(greedy(SamplingBias(presence: 1.5), after: [1, 3], promptCount: 2) == [1])
    #expect(greedy(SamplingBias(presence: 1.5), after: [0, 1], promptCount: 1) == [3])
    #expect(greedy(SamplingBias(presence: 0.5), after: [0, 1, 1, 3, 3], promptCount: 1) == [1])
    #expect(greedy(SamplingBias(frequency: 0.6), after: [0, 1, 1, 3, 3], promptCount: 1) == [2])
    // The other one does, once for each token.
    #expect(greedy(SamplingBias(repetition: 2), after: [1, 1, 1], promptCount: 3) == [3])
    #expect(greedy(SamplingBias(repetition: 2), after: [1, 2, 3], promptCount: 1) == [1])
    // Negative logits are multiplied.
    #expect(
      Self.choose([-1, -1.5], after: [0], promptCount: 1) {
        $0.temperature = 0
        $0.bias = SamplingBias(repetition: 2)
      } == [1])
  }

  /// What used to end the process: weights that are no numbers.
  @Test func whatIsNoNumberChoosesSomething() {
    for temperature in [Float.leastNonzeroMagnitude, Float.leastNormalMagnitude / 4, 1, 100] {
      for values in [[.nan, .nan], [.infinity, 0], [0, .nan], [-.infinity, -.infinity]]
        as [[Float]]
      {
        #expect(Self.choose(values) { $0.temperature = temperature }.isSubset(of: [0, 1]))
      }
    }
    #expect(Self.choose(logits) { $0.temperature = .leastNonzeroMagnitude } == [1])
  }
}
