import Foundation

/// How rotary position embeddings turn a position into angles.
package struct RotaryShape: Hashable, Sendable {
  /// Stretching of the frequencies for contexts longer than the model was trained on.
  package enum Scaling: Hashable, Sendable {
    case none
    /// Every frequency divided by the factor.
    case linear(factor: Double)
    /// Beyond the trained length, a base that grows with the length of the text.
    case dynamic(factor: Double, trainedLength: Int)
    /// Llama 3.1's: long wavelengths divided by the factor, short ones kept, a ramp between.
    case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, trainedLength: Double)
    /// YaRN (arXiv 2309.00071): pairs that turn less than `slow` times within the trained length are
    /// divided by the factor, those that turn more than `fast` times kept, a ramp between.
    case yarn(YaRN)
    /// LongRoPE (arXiv 2402.13753): every pair divided by a number of its own, of one list in texts of up
    /// to the trained length and of another in longer ones.
    case longrope(LongRoPE)
  }

  package struct YaRN: Hashable, Sendable {
    package var factor: Double
    package var fast: Double
    package var slow: Double
    package var trainedLength: Double
    /// What cosines and sines are multiplied by.
    package var amplitude: Double
    /// Whether the ramp begins and ends at whole pairs.
    package var isTruncated: Bool
  }

  package struct LongRoPE: Hashable, Sendable {
    /// One for each pair.
    package var short, long: [Double]
    package var trainedLength: Int
    /// What cosines and sines are multiplied by.
    package var amplitude: Double
  }

  /// Leading dimensions of each head that are rotated; even.
  package var dimensions: Int
  /// The base of the geometric series of wavelengths.
  package var theta: Double
  package var scaling: Scaling

  package init(dimensions: Int, theta: Double, scaling: Scaling = .none) {
    self.dimensions = dimensions
    self.theta = theta
    self.scaling = scaling
  }

  /// What cosines and sines are multiplied by.
  var amplitude: Float {
    switch scaling {
    case .yarn(let yarn): Float(yarn.amplitude)
    case .longrope(let longrope): Float(longrope.amplitude)
    case .none, .linear, .dynamic, .llama3: 1
    }
  }

  /// The longest text that the angles are made for, of a model that was made for so many positions.
  func stretchedLength(of trainedLength: Int) -> Int {
    switch scaling {
    case .dynamic(let factor, _): Int(Double(trainedLength) * max(1, factor))
    case .yarn(let yarn): Int(yarn.trainedLength * max(1, yarn.factor))
    case .none, .linear, .llama3, .longrope: trainedLength
    }
  }

  // MARK: - Texts of different lengths

  /// Whether the angles of a position depend on how long its text is.
  var dependsOnLength: Bool {
    switch scaling {
    case .dynamic, .longrope: true
    case .none, .linear, .llama3, .yarn: false
    }
  }

  /// Texts of equal kinds have equal angles: 0 up to the trained length, and beyond it 1, or where every
  /// length has its own, the length.
  func kind(ofLength length: Int) -> Int {
    switch scaling {
    case .longrope(let longrope): length > longrope.trainedLength ? 1 : 0
    case .dynamic(_, let trainedLength): length > trainedLength ? length : 0
    case .none, .linear, .llama3, .yarn: 0
    }
  }

  // MARK: - Frequencies

  /// The share of each pair's frequency that YaRN keeps.
  private func kept(_ pair: Int, _ yarn: YaRN) -> Double {
    /// The pair that turns so many times within the trained length.
    func pairTurning(_ turns: Double) -> Double {
      Double(dimensions) * log(yarn.trainedLength / (turns * 2 * .pi)) / (2 * log(theta))
    }
    var (low, high) = (pairTurning(yarn.fast), pairTurning(yarn.slow))
    if yarn.isTruncated { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    (low, high) = (max(low, 0), min(high, Double(dimensions - 1)))
    if low == high { high += 0.001 }
    return 1 - min(1, max(0, (Double(pair) - low) / (high - low)))
  }

  /// The base for a kind of texts.
  private func base(kind: Int) -> Double {
    guard case .dynamic(let factor, let trainedLength) = scaling, kind > 0, dimensions > 2 else {
      return theta
    }
    let stretch = factor * Double(kind) / Double(trainedLength) - (factor - 1)
    return theta * pow(stretch, Double(dimensions) / Double(dimensions - 2))
  }

  /// The angular frequency of each pair of dimensions: `theta^(-2i/d)` for i in 0 ..< d/2, scaled.
  ///
  /// - Parameter kind: of the text, from `kind(ofLength:)`.
  func frequencies(kind: Int = 0) -> [Float] {
    let base = base(kind: kind)
    return (0..<dimensions / 2).map { pair in
      let frequency = pow(base, -Double(2 * pair) / Double(dimensions))
      switch scaling {
      case .none, .dynamic:
        return Float(frequency)
      case .linear(let factor):
        return Float(frequency / factor)
      case .llama3(let factor, let low, let high, let trainedLength):
        let turns = trainedLength * frequency / (2 * .pi)  // within the trained length
        if turns > high { return Float(frequency) }
        if turns < low { return Float(frequency / factor) }
        let ramp = (turns - low) / (high - low)
        return Float((1 - ramp) * frequency / factor + ramp * frequency)
      case .yarn(let yarn):
        let kept = kept(pair, yarn)
        return Float(frequency / yarn.factor * (1 - kept) + frequency * kept)
      case .longrope(let longrope):
        return Float(frequency / (kind == 0 ? longrope.short : longrope.long)[pair])
      }
    }
  }
}
