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
      }
    }
  }
}
