import Foundation

/// How rotary position embeddings turn a position into angles.
package struct RotaryShape: Hashable, Sendable {
  /// Stretching of the frequencies for contexts longer than the model was trained on.
  package enum Scaling: Hashable, Sendable {
    case none
    /// Every frequency divided by the factor.
    case linear(factor: Double)
    /// Llama 3.1's: long wavelengths divided by the factor, short ones kept, a ramp between.
    case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, trainedLength: Double)
    /// YaRN (arXiv 2309.00071): pairs that turn less than `slow` times within the trained length are
    /// divided by the factor, those that turn more than `fast` times kept, a ramp between.
    case yarn(YaRN)
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
    if case .yarn(let yarn) = scaling { Float(yarn.amplitude) } else { 1 }
  }

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

  /// The angular frequency of each pair of dimensions: `theta^(-2i/d)` for i in 0 ..< d/2, scaled.
  var frequencies: [Float] {
    (0..<dimensions / 2).map { pair in
      let frequency = pow(theta, -Double(2 * pair) / Double(dimensions))
      switch scaling {
      case .none:
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
      }
    }
  }
}
