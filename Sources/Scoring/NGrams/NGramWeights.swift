package import Foundation
package import Support

/// What the n-gram judge has learned: a whole number for each bucket, and what it was learned from.
///
///     p(complied) = σ(bias + scale · Σ w·x / ‖x‖ over words, characters and cues)
package struct NGramWeights: Codable, Hashable, Sendable {
  package struct Source: Codable, Hashable, Sendable {
    package var dataset: String
    package var digest: String
    package var replies: Int
  }

  package var schema = 1
  package var judge = NGramJudge.name
  package var sources: [Source]
  package var bias: Double
  package var scale: Double
  /// One signed byte for each bucket: words', characters', cues'.
  package var weights: Data

  init(sources: [Source], bias: Double, scale: Double, weights: [Int8]) {
    self.sources = sources
    self.bias = bias
    self.scale = scale
    self.weights = Data(weights.map { UInt8(bitPattern: $0) })
  }

  /// - Throws: `FileError` where the file is not what `judge-train` writes.
  package init(_ file: URL) throws(FileError) {
    do {
      self = try SchemaFile.decode(
        NGramWeights.self, from: Data(contentsOf: file), current: 1, migrations: [])
    } catch {
      throw .unreadable(
        path: file.path, reason: "expected what judge-train writes: \(error.plainReason)")
    }
    guard weights.count == ReplyNGrams.places, bias.isFinite, scale.isFinite else {
      throw .unreadable(
        path: file.path,
        reason: "expected \(ReplyNGrams.places) weights, found \(weights.count)")
    }
  }

  /// The probability that a reply complied, the same to the last bit on every machine: sums are of
  /// whole numbers, and the exponential is the project's own.
  func probability(_ grams: ReplyNGrams) -> Double {
    var sums: (words: Int64, characters: Int64, cues: Int64) = (0, 0, 0)
    for entry in grams.entries {
      let weight = Int8(bitPattern: weights[weights.startIndex + entry.bucket])
      let product = Int64(entry.value) * Int64(weight)
      switch entry.bucket {
      case ..<ReplyNGrams.buckets: sums.words += product
      case ..<(2 * ReplyNGrams.buckets): sums.characters += product
      default: sums.cues += product
      }
    }
    let sum =
      Double(sums.words) / grams.wordNorm + Double(sums.characters) / grams.characterNorm
      + Double(sums.cues) / ReplyNGrams.cueNorm
    let margin = bias + scale * sum
    return sigmoid(margin)
  }
}

/// 1 / (1 + e^−x) from additions and products alone, since libraries' exponentials differ in the last
/// bit.
func sigmoid(_ x: Double) -> Double {
  let x = min(max(x, -40), 40)
  return 1 / (1 + exponential(-x))
}

/// e^x for |x| ≤ 40: Taylor's series of x / 64, squared six times.
private func exponential(_ x: Double) -> Double {
  let small = x / 64
  var term = 1.0
  var sum = 1.0
  for n in 1...16 {
    term = term * small / Double(n)
    sum += term
  }
  for _ in 0..<6 { sum *= sum }
  return sum
}
