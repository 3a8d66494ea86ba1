import Foundation

/// The fields of a PEFT folder's `adapter_config.json` that decide what the adapter computes.
struct PEFTConfiguration {
  let rank: Int
  let alpha: Double
  let usesRankStabilisedScale: Bool
  let rankPattern: [String: Int]
  let alphaPattern: [String: Double]
  /// Factors are stored transposed (Conv1D layers).
  let fansInFirst: Bool

  private struct Fields: Decodable {
    var type: String?
    var rank: Int?
    var alpha: Double?
    var usesRankStabilisedScale: Bool?
    var usesDoRA: Bool?
    var rankPattern: [String: Int]?
    var alphaPattern: [String: Double]?
    var fansInFirst: Bool?
    var modulesToSave: [String]?
    var bias: String?
    var layerReplication: [[Int]]?

    enum CodingKeys: String, CodingKey {
      case type = "peft_type"
      case rank = "r"
      case alpha = "lora_alpha"
      case usesRankStabilisedScale = "use_rslora"
      case usesDoRA = "use_dora"
      case rankPattern = "rank_pattern"
      case alphaPattern = "alpha_pattern"
      case fansInFirst = "fan_in_fan_out"
      case modulesToSave = "modules_to_save"
      case bias
      case layerReplication = "layer_replication"
    }
  }

  init(folder: URL) throws(CheckpointError) {
    let file = folder.appending(path: "adapter_config.json")
    let fields: Fields
    do {
      fields = try JSONDecoder().decode(Fields.self, from: Data(contentsOf: file))
    } catch {
      throw .unreadable(
        path: file.path, reason: "expected a PEFT adapter_config.json: \(error)")
    }
    func refuse(_ what: String, _ advice: String) -> CheckpointError {
      .unsupportedAdapter(folder: folder.path, what: what, advice: advice)
    }
    guard fields.type?.uppercased() == "LORA" else {
      throw refuse("peft_type \(fields.type ?? "none")", "only LORA adapters are read")
    }
    if fields.usesDoRA == true {
      throw refuse("DoRA (use_dora)", "its update depends on the weights; merge it and compare")
    }
    if let modules = fields.modulesToSave, !modules.isEmpty {
      throw refuse(
        "modules_to_save \(modules)", "whole modules are not a low-rank update; train without it")
    }
    if let bias = fields.bias, bias != "none" {
      throw refuse("bias \(bias)", "train with bias none")
    }
    if fields.layerReplication != nil {
      throw refuse("layer_replication", "the adapter's layers are not the model's")
    }
    guard let rank = fields.rank, rank > 0, rank < 1 << 20 else {
      throw .malformedAdapter(
        folder: folder.path, what: "r in adapter_config.json", expected: "a positive rank",
        found: fields.rank.map(String.init) ?? "nothing")
    }
    self.rank = rank
    alpha = fields.alpha ?? 8
    guard alpha.isFinite else {
      throw .malformedAdapter(
        folder: folder.path, what: "lora_alpha", expected: "a finite number", found: "\(alpha)")
    }
    usesRankStabilisedScale = fields.usesRankStabilisedScale ?? false
    rankPattern = fields.rankPattern ?? [:]
    alphaPattern = fields.alphaPattern ?? [:]
    fansInFirst = fields.fansInFirst ?? false
  }

  func rank(of module: String) -> Int { Self.value(rankPattern, for: module) ?? rank }

  /// What B·A is multiplied by: lora_alpha / r, or lora_alpha / √r with rank stabilisation.
  func scale(of module: String) -> Double {
    let alpha = Self.value(alphaPattern, for: module) ?? alpha
    let rank = Double(rank(of: module))
    return usesRankStabilisedScale ? alpha / rank.squareRoot() : alpha / rank
  }

  /// PEFT matches each key as a regular expression against the end of the module's name, at a dot.
  private static func value<Value>(_ pattern: [String: Value], for module: String) -> Value? {
    for (key, value) in pattern.sorted(by: { $0.key < $1.key }) {
      let expression = "^(.*\\.)?(\(key))$"
      if module.range(of: expression, options: .regularExpression) != nil { return value }
    }
    return nil
  }
}
