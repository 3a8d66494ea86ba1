import Foundation
import LinearAlgebra

/// How rotary position embeddings turn a position into angles.
package struct RotaryConfiguration: Equatable, Sendable {
  /// Stretching of the frequencies for contexts longer than the model was trained on.
  package enum Scaling: Equatable, Sendable {
    case none
    /// Every frequency divided by the factor.
    case linear(factor: Double)
    /// Llama 3.1's: long wavelengths divided by the factor, short ones kept, a ramp between.
    case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, trainedLength: Double)
  }

  /// The base of the geometric series of wavelengths (`rope_theta`).
  package var theta: Double
  package var scaling: Scaling

  init(_ fields: ConfigurationFile, file: String) throws(LanguageModelError) {
    let scalingFields = fields.ropeParameters ?? fields.ropeScaling
    theta = fields.ropeParameters?.ropeTheta ?? fields.ropeTheta ?? 10_000
    guard theta > 0, theta.isFinite else {
      throw .invalidSetting(
        file: file, field: "rope_theta", found: "\(theta)", expected: "a positive number")
    }
    let type = scalingFields?.ropeType ?? scalingFields?.type ?? "default"
    let factor = scalingFields?.factor ?? 1
    guard factor > 0 else {
      throw .invalidSetting(
        file: file, field: "rope factor", found: "\(factor)", expected: "a positive number")
    }
    switch type {
    case "default":
      scaling = .none
    case "linear":
      scaling = .linear(factor: factor)
    case "llama3":
      guard let low = scalingFields?.lowFreqFactor, let high = scalingFields?.highFreqFactor,
        let length = scalingFields?.originalMaxPositionEmbeddings, high > low
      else {
        throw .invalidSetting(
          file: file, field: "rope_parameters", found: "rope_type llama3 without its factors",
          expected: "low_freq_factor < high_freq_factor and original_max_position_embeddings")
      }
      scaling = .llama3(
        factor: factor, lowFrequency: low, highFrequency: high, trainedLength: length)
    default:
      throw .unsupportedSetting(file: file, field: "rope_type", found: type)
    }
  }

  /// The angular frequency of each pair of dimensions: `theta^(-2i/d)` for i in 0 ..< d/2, scaled.
  func frequencies(headDimension: Int) -> [Float] {
    (0..<headDimension / 2).map { pair in
      let frequency = pow(theta, -Double(2 * pair) / Double(headDimension))
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

/// Cosines and sines of the rotary angles, computed up to the furthest position seen.
struct RotaryTable {
  /// positions × (headDimension / 2).
  private(set) var cosines = FloatBuffer(count: 0)
  private(set) var sines = FloatBuffer(count: 0)
  private let frequencies: [Float]
  private var positions = 0

  init(_ configuration: LlamaConfiguration) {
    frequencies = configuration.rotary.frequencies(headDimension: configuration.headDimension)
  }

  /// Makes the table hold `0 ..< count`.
  ///
  /// Angles are rounded to float32 before the cosine is taken, as the published models were run.
  mutating func extend(to count: Int) {
    guard count > positions else { return }
    positions = 2 * count
    cosines = FloatBuffer(count: positions * frequencies.count)
    sines = FloatBuffer(count: positions * frequencies.count)
    for position in 0..<positions {
      for (index, frequency) in frequencies.enumerated() {
        let angle = Float(position) * frequency
        unsafe cosines.start[position * frequencies.count + index] = cos(angle)
        unsafe sines.start[position * frequencies.count + index] = sin(angle)
      }
    }
  }
}
