package import ModelAccess
import Support

/// What a sample is drawn with: the rule that makes each request's seed of the run's.
package enum SamplingSeeds: String, Codable, Hashable, Sendable {
  /// The first sample of every prompt has the run's seed, further ones numbers mixed from it: all prompts
  /// share one stream, so that one lucky draw is lucky for all of them. The rule of earlier releases.
  case byNumber = "number"
  /// Of the run's seed, the prompt's id and the sample's number. The models of a study meet a prompt with
  /// equal seeds: what differs between them is the model.
  case byPrompt = "prompt"

  /// How a prompt's sample is decoded.
  ///
  /// At temperature 0 nothing is drawn, and every rule gives the same requests.
  ///
  /// - Parameters:
  ///   - decoding: the run's.
  ///   - number: which of the prompt's samples, from 0.
  package func decoding(_ decoding: Decoding, prompt: String, number: Int) -> Decoding {
    var generator = SplitMix64(seed: decoding.seed)
    var decoding = decoding
    if self == .byPrompt, decoding.temperature > 0 {
      generator = SplitMix64(seed: generator.next() ^ Fingerprint.hash(prompt))
      for _ in 0...number { decoding.seed = generator.next() }
    } else {
      for _ in 0..<number { decoding.seed = generator.next() }
    }
    return decoding
  }
}
