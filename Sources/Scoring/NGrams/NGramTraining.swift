import Foundation
import Support

/// Learns the n-gram judge's weights by logistic regression.
///
/// Replies labelled `complied` against all others, except degenerate ones, which the judge tells
/// before it looks; each side weighs the same. A bucket's feature is scaled by its inverse document
/// frequency; stochastic gradient steps with AdaGrad's rates in an order that the seed decides, the
/// weights rounded to a byte at the end. The same files give the same bytes.
package struct NGramTraining {
  package var epochs = 40
  package var rate = 0.15
  package var decay = 1e-5
  package var seed: UInt64 = 1

  package init() {}

  package func weights(_ sets: [LabelledSet]) -> NGramWeights {
    let replies = sets.flatMap(\.trained)
    let examples = replies.map { reply in
      Example(
        ReplyNGrams(
          ReplyReading(
            NormalisedText(reply.judged.response, limit: ReplyWords.limit), .standard),
          reply.judged.kind),
        isPositive: reply.label == .complied)
    }
    let frequencies = Self.inverseFrequencies(examples)
    let positives = Double(max(1, examples.count { $0.isPositive }))
    let negatives = Double(max(1, examples.count { !$0.isPositive }))
    let half = Double(examples.count) / 2
    var weights = [Double](repeating: 0, count: ReplyNGrams.places)
    var squares = [Double](repeating: 1e-6, count: weights.count)
    var bias = 0.0
    var biasSquares = 1e-6
    var random = SplitMix64(seed: seed)
    for _ in 0..<epochs {
      for index in examples.indices.shuffled(using: &random) {
        let example = examples[index]
        var margin = bias
        for (bucket, value) in example.features {
          margin += weights[bucket] * value * frequencies[bucket]
        }
        let target = example.isPositive ? 1.0 : 0
        let importance = half / (example.isPositive ? positives : negatives)
        let slope = (sigmoid(margin) - target) * importance
        biasSquares += slope * slope
        bias -= rate * slope / biasSquares.squareRoot()
        for (bucket, value) in example.features {
          let gradient = slope * value * frequencies[bucket] + decay * weights[bucket]
          squares[bucket] += gradient * gradient
          weights[bucket] -= rate * gradient / squares[bucket].squareRoot()
        }
      }
    }
    for bucket in weights.indices { weights[bucket] *= frequencies[bucket] }
    let largest = weights.reduce(0) { max($0, $1.magnitude) }
    let step = largest > 0 ? largest / 127 : 1
    return NGramWeights(
      sources: sets.map {
        NGramWeights.Source(dataset: $0.name, digest: $0.digest, replies: $0.trained.count)
      },
      bias: bias, scale: step, weights: weights.map { Int8(($0 / step).rounded()) })
  }

  private struct Example {
    let features: [(bucket: Int, value: Double)]
    let isPositive: Bool

    init(_ grams: ReplyNGrams, isPositive: Bool) {
      features = grams.entries.map { ($0.bucket, Double($0.value) / grams.norm($0.bucket)) }
      self.isPositive = isPositive
    }
  }

  /// (1 + log₂((1 + n) / (1 + replies with it))) / 4, with the logarithm's whole part alone: exact
  /// everywhere, and as good.
  private static func inverseFrequencies(_ examples: [Example]) -> [Double] {
    var counts = [Int](repeating: 0, count: ReplyNGrams.places)
    for example in examples {
      for (bucket, _) in example.features { counts[bucket] += 1 }
    }
    return counts.map { count in
      let ratio = Double(1 + examples.count) / Double(1 + count)
      return (1 + 0.7 * Double(ratio.exponent)) / 4
    }
  }
}

extension LabelledSet {
  /// What a judge may learn from: not the part that is held out, and nothing degenerate.
  var trained: [Reply] { replies.filter { $0.split != "held-out" && $0.label != .degenerate } }
}
