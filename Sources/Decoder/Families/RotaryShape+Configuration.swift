import Support

extension RotaryShape {
  /// Reads the rotary settings in both spellings: `rope_parameters`, which transformers 5 writes,
  /// and before it `rope_theta` at the top level with `rope_scaling` beside it.
  init(_ configuration: ModelConfiguration, headDimension: Int) throws(DecoderError) {
    let file = configuration.file
    let newer = try configuration.section("rope_parameters")
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

    theta = try number("rope_theta", in: .above(0, upTo: 1e12)) ?? 10_000

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
    case "default":
      scaling = .none
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
