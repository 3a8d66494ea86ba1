import Foundation
import Support

/// A file's rotary settings, wherever they stand: in `rope_parameters`, which transformers 5 writes, in
/// `rope_scaling` before it, and some at the top level.
struct RotarySettings {
  /// The first that has a setting counts.
  let sections: [ModelConfiguration]
  let configuration: ModelConfiguration
  let headDimension: Int
  let trainedLength: Int
  /// Where the file says nothing.
  let theta: Double
  /// The setting of the base that stands at the top level; nil where none counts.
  var thetaKey: String? = "rope_theta"
  /// The length before stretching, where it is not that of the section.
  var originalLength: Int?

  var file: String { configuration.file }

  private func holder(_ key: String) -> ModelConfiguration? { sections.first { $0.has(key) } }

  func number(
    _ key: String, in range: NumberRange<Double>? = nil
  ) throws(DecoderError) -> Double? {
    guard let section = holder(key) else { return nil }
    guard let range else { return try section.number(key) }
    return try section.number(key, in: range)
  }

  func numbers(_ key: String) throws(DecoderError) -> [Double]? { try holder(key)?.numbers(key) }
  func flag(_ key: String) throws(DecoderError) -> Bool? { try holder(key)?.flag(key) }

  /// The kind of stretching.
  func type() throws(DecoderError) -> String {
    // The newer key counts in whichever section.
    for key in ["rope_type", "type"] {
      if let type = try holder(key)?.text(key) { return type }
    }
    return "default"
  }

  /// The length before stretching: at the top level where it stands there, else of the section.
  func original() throws(DecoderError) -> Double {
    let key = "original_max_position_embeddings"
    if let originalLength { return Double(originalLength) }
    if configuration.has(key) { return Double(try configuration.size(key)) }
    return try number(key, in: .above(0, upTo: 1e12)) ?? Double(trainedLength)
  }
}

extension RotaryShape {
  static let shareKey = "partial_rotary_factor"

  /// Of a family whose blocks have the same settings.
  init(
    _ configuration: ModelConfiguration, headDimension: Int, trainedLength: Int, theta: Double
  ) throws(DecoderError) {
    try self.init(
      RotarySettings(
        sections: try Self.section(configuration), configuration: configuration,
        headDimension: headDimension, trainedLength: trainedLength, theta: theta))
  }

  /// `rope_scaling` where it says anything, as files that have both mean it, else `rope_parameters`.
  private static func section(
    _ configuration: ModelConfiguration
  ) throws(DecoderError) -> [ModelConfiguration] {
    let older = try configuration.section("rope_scaling")
    let newer = try configuration.section("rope_parameters")
    let section = older?.isEmpty == false ? older : newer
    for layerType in ["full_attention", "sliding_attention"] where section?.has(layerType) == true {
      throw .unsupportedSetting(
        file: configuration.file, field: "rope_parameters", found: "\(layerType)'s own settings")
    }
    return section.map { [$0] } ?? []
  }

  /// Phi-3's: LongRoPE under any of three names, and the length before stretching at the top level or the
  /// class's.
  init(
    phi configuration: ModelConfiguration, headDimension: Int, trainedLength: Int
  ) throws(DecoderError) {
    var settings = RotarySettings(
      sections: try Self.section(configuration), configuration: configuration,
      headDimension: headDimension, trainedLength: trainedLength, theta: 10_000)
    settings.originalLength = try configuration.size(
      "original_max_position_embeddings", default: 4096)
    let type = try settings.type()
    switch type {
    case "su", "yarn": try self.init(settings, type: "longrope")
    case "default", "longrope": try self.init(settings, type: type)
    default:
      throw .unsupportedSetting(file: configuration.file, field: "rope_type", found: type)
    }
  }

  /// Of blocks that see all, in a family with settings for each type of blocks.
  init(
    full configuration: ModelConfiguration, headDimension: Int, trainedLength: Int, theta: Double
  ) throws(DecoderError) {
    let own = try configuration.section("rope_parameters")?.section("full_attention")
    // Older files' settings add to the newer section's or replace them; their spelling of the type does not.
    let older = try configuration.section("rope_scaling")
    let settings = RotarySettings(
      sections: [older, own].compactMap { $0 }, configuration: configuration,
      headDimension: headDimension, trainedLength: trainedLength, theta: theta)
    try self.init(settings, type: older == nil ? settings.type() : settings.newerType())
  }

  /// Of windowed blocks, in a family with settings for each type of blocks.
  ///
  /// - Parameter thetaKey: of the base in older files; nil where none counts.
  init(
    sliding configuration: ModelConfiguration, headDimension: Int, trainedLength: Int,
    theta: Double, thetaKey: String? = nil
  ) throws(DecoderError) {
    let own = try configuration.section("rope_parameters")?.section("sliding_attention")
    try self.init(
      RotarySettings(
        sections: own.map { [$0] } ?? [], configuration: configuration,
        headDimension: headDimension, trainedLength: trainedLength, theta: theta,
        thetaKey: thetaKey))
  }

  private init(_ settings: RotarySettings) throws(DecoderError) {
    try self.init(settings, type: settings.type())
  }

  private init(_ settings: RotarySettings, type: String) throws(DecoderError) {
    let file = settings.file
    let thetas = NumberRange<Double>.above(0, upTo: 1e12)
    var base = try settings.number("rope_theta", in: thetas)
    if base == nil, let key = settings.thetaKey {
      base = try settings.configuration.number(key, in: thetas)
    }
    theta = base ?? settings.theta
    let shares = NumberRange<Double>.above(0, upTo: 1)
    var share = try settings.number(Self.shareKey, in: shares)
    if share == nil { share = try settings.configuration.number(Self.shareKey, in: shares) }
    dimensions = Int((Double(settings.headDimension) * (share ?? 1)).rounded(.down))
    guard dimensions % 2 == 0, dimensions > 0 else {
      throw .invalidSetting(
        file: file, field: Self.shareKey, found: "\(share ?? 1)",
        expected:
          "a share of the head's \(settings.headDimension) dimensions that is an even number")
    }
    let factors = NumberRange<Double>.above(0, upTo: 1_000_000)
    let factor = try settings.number("factor", in: factors)
    switch type {
    case "default":
      scaling = .none
    case "dynamic":
      scaling = .dynamic(factor: factor ?? 1, trainedLength: settings.trainedLength)
    case "yarn":
      scaling = .yarn(try YaRN(settings, factor: factor))
    case "longrope":
      scaling = .longrope(try LongRoPE(settings, factor: factor, pairs: dimensions / 2))
    case "linear":
      scaling = .linear(factor: factor ?? 1)
    case "llama3":
      guard let low = try settings.number("low_freq_factor", in: factors),
        let high = try settings.number("high_freq_factor", in: factors), high > low, let factor
      else {
        throw .invalidSetting(
          file: file, field: "rope_parameters", found: "rope_type llama3 without its factors",
          expected: "factor, and low_freq_factor < high_freq_factor")
      }
      scaling = .llama3(
        factor: factor, lowFrequency: low, highFrequency: high,
        trainedLength: try settings.original())
    case let other:
      throw .unsupportedSetting(file: file, field: "rope_type", found: other)
    }
  }
}

extension RotarySettings {
  /// The kind of stretching by its newer key alone.
  fileprivate func newerType() throws(DecoderError) -> String {
    for section in sections {
      if let type = try section.text("rope_type") { return type }
    }
    return "default"
  }
}

extension RotaryShape.YaRN {
  fileprivate init(_ settings: RotarySettings, factor: Double?) throws(DecoderError) {
    let original = try settings.original()
    let factor = factor ?? Double(settings.trainedLength) / original
    /// 0 and nothing are the default.
    func number(_ key: String, _ fallback: Double) throws(DecoderError) -> Double {
      guard let value = try settings.number(key), value != 0 else { return fallback }
      return value
    }
    (fast, slow) = (try number("beta_fast", 32), try number("beta_slow", 1))
    guard original > 0, fast > slow, slow > 0 else {
      throw .invalidSetting(
        file: settings.file, field: "rope_parameters", found: "rope_type yarn out of range",
        expected: "original_max_position_embeddings > 0 and beta_fast > beta_slow > 0")
    }
    self.factor = factor
    trainedLength = original
    isTruncated = try settings.flag("truncate") ?? true
    /// 0.1 m ln s + 1.
    func scale(_ multiplier: Double) -> Double {
      factor <= 1 ? 1 : 0.1 * multiplier * log(factor) + 1
    }
    if let stated = try settings.number("attention_factor") {
      amplitude = stated
    } else if let own = try settings.number("mscale"),
      let all = try settings.number("mscale_all_dim"), own != 0, all != 0
    {
      amplitude = scale(own) / scale(all)
    } else {
      amplitude = scale(1)
    }
  }
}

extension RotaryShape.LongRoPE {
  fileprivate init(
    _ settings: RotarySettings, factor: Double?, pairs: Int
  ) throws(DecoderError) {
    /// One positive number for each pair.
    func list(_ key: String) throws(DecoderError) -> [Double] {
      let found = try settings.numbers(key)
      guard let found, found.count == pairs, found.allSatisfy({ $0.isFinite && $0 > 0 }) else {
        throw .invalidSetting(
          file: settings.file, field: "rope_parameters.\(key)",
          found: found.map { "\($0.count) numbers" } ?? "nothing",
          expected: "\(pairs) positive numbers, one for each pair of rotated dimensions")
      }
      return found
    }
    (short, long) = (try list("short_factor"), try list("long_factor"))
    let original = try settings.original()
    trainedLength = Int(original)
    if let stated = try settings.number("attention_factor") {
      amplitude = stated
    } else {
      let factor = factor ?? Double(settings.trainedLength) / original
      amplitude = factor <= 1 ? 1 : (1 + log(factor) / log(original)).squareRoot()
    }
  }
}
