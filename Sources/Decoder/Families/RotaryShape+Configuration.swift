import Foundation
import Support

extension RotaryShape {
  /// Reads the rotary settings in both spellings: `rope_parameters`, which transformers 5 writes,
  /// and before it `rope_theta` at the top level with `rope_scaling` beside it.
  ///
  /// - Parameters:
  ///   - trainedLength: the longest sequence the model was made for.
  ///   - defaultTheta: where the file says nothing.
  ///   - layerType: of a model whose types of layers have settings of their own.
  init(
    _ configuration: ModelConfiguration, headDimension: Int, trainedLength: Int,
    theta defaultTheta: Double, layerType: String? = nil
  ) throws(DecoderError) {
    let file = configuration.file
    var newer = try configuration.section("rope_parameters")
    if let layerType, let own = try newer?.section(layerType) { newer = own }
    let older = try configuration.section("rope_scaling")
    let stretching = newer ?? older
    /// From the newer place or else the older.
    func number(_ key: String, in range: NumberRange<Double>) throws(DecoderError) -> Double? {
      if let number = try newer?.number(key, in: range) { return number }
      return try configuration.number(key, in: range)
    }
    let factors = NumberRange<Double>.above(0, upTo: 1_000_000)
    for layerType in ["full_attention", "sliding_attention"] where newer?.has(layerType) == true {
      throw .unsupportedSetting(
        file: file, field: "rope_parameters", found: "\(layerType)'s own settings")
    }

    theta = try number("rope_theta", in: .above(0, upTo: 1e12)) ?? defaultTheta

    let shareKey = "partial_rotary_factor"
    let share = try number(shareKey, in: .above(0, upTo: 1)) ?? 1
    dimensions = Int((Double(headDimension) * share).rounded(.down))
    guard dimensions % 2 == 0 else {
      throw .invalidSetting(
        file: file, field: shareKey, found: "\(share)",
        expected: "a share of the head's \(headDimension) dimensions that is an even number")
    }

    let factor = try stretching?.number("factor", in: factors) ?? 1
    let typeKey = "rope_type"
    let (newerType, olderType) = (try stretching?.text(typeKey), try stretching?.text("type"))
    switch newerType ?? olderType ?? "default" {
    // Dynamic scaling begins beyond the trained length, where nothing is computed.
    case "default", "dynamic":
      scaling = .none
    case "yarn":
      scaling = .yarn(
        try YaRN(stretching, factor: factor, trainedLength: trainedLength, file: file))
    case "linear":
      scaling = .linear(factor: factor)
    case "llama3":
      guard let low = try stretching?.number("low_freq_factor", in: factors),
        let high = try stretching?.number("high_freq_factor", in: factors),
        let length = try stretching?.number(
          "original_max_position_embeddings", in: .above(0, upTo: 1e12)), high > low
      else {
        throw .invalidSetting(
          file: file, field: "rope_parameters", found: "rope_type llama3 without its factors",
          expected: "low_freq_factor < high_freq_factor and original_max_position_embeddings")
      }
      scaling = .llama3(
        factor: factor, lowFrequency: low, highFrequency: high, trainedLength: length)
    case let other:
      throw .unsupportedSetting(file: file, field: typeKey, found: other)
    }
  }
}

extension RotaryShape.YaRN {
  fileprivate init(
    _ settings: ModelConfiguration?, factor: Double, trainedLength: Int, file: String
  ) throws(DecoderError) {
    func number(_ key: String) throws(DecoderError) -> Double? { try settings?.number(key) }
    let original = try number("original_max_position_embeddings") ?? Double(trainedLength)
    (fast, slow) = (try number("beta_fast") ?? 32, try number("beta_slow") ?? 1)
    guard original > 0, fast > slow, slow > 0 else {
      throw .invalidSetting(
        file: file, field: "rope_parameters", found: "rope_type yarn out of range",
        expected: "original_max_position_embeddings > 0 and beta_fast > beta_slow > 0")
    }
    self.factor = factor
    self.trainedLength = original
    isTruncated = try settings?.flag("truncate") ?? true
    /// 0.1 m ln s + 1.
    func scale(_ multiplier: Double) -> Double {
      factor <= 1 ? 1 : 0.1 * multiplier * log(factor) + 1
    }
    if let stated = try number("attention_factor") {
      amplitude = stated
    } else if let own = try number("mscale"), let all = try number("mscale_all_dim"), own != 0,
      all != 0
    {
      amplitude = scale(own) / scale(all)
    } else {
      amplitude = scale(1)
    }
  }
}
