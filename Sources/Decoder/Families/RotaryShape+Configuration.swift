extension RotaryShape {
  /// Reads the rotary settings in both spellings: `rope_parameters`, which transformers 5 writes,
  /// and before it `rope_theta` at the top level with `rope_scaling` beside it.
  init(_ configuration: ModelConfiguration, headDimension: Int) throws(DecoderError) {
    let file = configuration.file
    let newer = try configuration.section("rope_parameters")
    let older = try configuration.section("rope_scaling")
    let stretching = newer ?? older
    /// From the newer place or else the older.
    func number(_ key: String) throws(DecoderError) -> Double? {
      if let number = try newer?.number(key) { return number }
      return try configuration.number(key)
    }
    for layerType in ["full_attention", "sliding_attention"] where newer?.has(layerType) == true {
      throw .unsupportedSetting(
        file: file, field: "rope_parameters", found: "\(layerType)'s own settings")
    }

    let thetaKey = "rope_theta"
    theta = try number(thetaKey) ?? 10_000
    guard theta > 0 else {
      throw .invalidSetting(
        file: file, field: thetaKey, found: "\(theta)", expected: "a positive number")
    }

    let shareKey = "partial_rotary_factor"
    let share = try number(shareKey) ?? 1
    dimensions = Int((Double(headDimension) * share).rounded(.down))
    guard share > 0, share <= 1, dimensions % 2 == 0 else {
      throw .invalidSetting(
        file: file, field: shareKey, found: "\(share)",
        expected: "a share of the head's \(headDimension) dimensions that is an even number")
    }

    let factorKey = "factor"
    let factor = try stretching?.number(factorKey) ?? 1
    guard factor > 0 else {
      throw .invalidSetting(
        file: file, field: "rope \(factorKey)", found: "\(factor)", expected: "a positive number")
    }
    let typeKey = "rope_type"
    let (newerType, olderType) = (try stretching?.text(typeKey), try stretching?.text("type"))
    switch newerType ?? olderType ?? "default" {
    case "default":
      scaling = .none
    case "linear":
      scaling = .linear(factor: factor)
    case "llama3":
      guard let low = try stretching?.number("low_freq_factor"),
        let high = try stretching?.number("high_freq_factor"),
        let length = try stretching?.number("original_max_position_embeddings"), high > low
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
