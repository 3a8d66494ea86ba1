import Support

/// The settings of an `adapter_config.json` that decide what its factors mean.
///
/// For a module of rank r and alpha a, the change is `s · B · A` with `s = a / r`, or `a / √r` with
/// rsLoRA. Source: `peft/tuners/lora` (PEFT 0.21), `LoraConfig` and `get_pattern_key`.
struct PEFTConfiguration {
  private typealias Fault = CheckpointError.AdapterFault

  /// `r`, where no pattern matches.
  let rank: Int
  /// `lora_alpha`, where no pattern matches.
  let alpha: Double
  let usesRSLoRA: Bool
  /// Weights are stored in × out (GPT-2's `Conv1D`), and so is the change.
  let fanInFanOut: Bool
  /// Embedding and head are adapted together.
  let ensuresWeightTying: Bool
  /// Parameters of experts that are adapted, by the last part of their names.
  let expertParameters: Set<String>
  private let rankPatterns: [(module: ModulePattern, value: Int)]
  private let alphaPatterns: [(module: ModulePattern, value: Double)]

  init(parsing bytes: [UInt8]) throws(CheckpointError.AdapterFault) {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
    let node: JSONNode
    do throws(JSONNode.SyntaxError) {
      node = try JSONNode(parsing: bytes)
    } catch {
      throw .notJSON(reason: error.reason, offset: error.offset)
    }
    guard node.members != nil else {
      throw .settingInvalid(
        key: "the file", expected: "an object of settings", found: node.excerpt)
    }
    if let key = node.duplicateKey {
      throw .settingInvalid(key: key, expected: "given once", found: "two of it")
    }
    try Self.refuseOtherMethods(node)

    self.rank = try Self.require("r", of: node, Self.ranks.phrase, Self.rank)
    self.alpha = try Self.require("lora_alpha", of: node, Self.alphas.phrase, Self.alpha)
    self.usesRSLoRA = try Self.flag("use_rslora", of: node)
    self.fanInFanOut = try Self.flag("fan_in_fan_out", of: node)
    self.ensuresWeightTying = try Self.flag("ensure_weight_tying", of: node)
    self.expertParameters = try Self.expertParameters(of: node)
    self.rankPatterns = try Self.patterns("rank_pattern", of: node, Self.ranks.phrase, Self.rank)
    self.alphaPatterns = try Self.patterns(
      "alpha_pattern", of: node, Self.alphas.phrase, Self.alpha)
  }

  private static let ranks = NumberRange(1...1_048_576)
  private static let alphas = NumberRange(-1_000_000_000.0...1_000_000_000.0)

  private static func rank(_ node: JSONNode) -> Int? {
    node.integer.flatMap { ranks.contains($0) ? $0 : nil }
  }

  private static func alpha(_ node: JSONNode) -> Double? {
    node.double.flatMap { alphas.contains($0) ? $0 : nil }
  }

  /// The rank of a module: the first pattern that matches, else `r`.
  func rank(of module: String) -> Int {
    rankPatterns.first { $0.module.matches(module) }?.value ?? rank
  }

  /// The factor s of `s · B · A` for a module.
  func scale(of module: String) -> Double {
    let alpha = alphaPatterns.first { $0.module.matches(module) }?.value ?? alpha
    let rank = Double(rank(of: module))
    return alpha / (usesRSLoRA ? rank.squareRoot() : rank)
  }

  private static func require<Value>(
    _ key: String, of node: JSONNode, _ expected: String, _ read: (JSONNode) -> Value?
  ) throws(CheckpointError.AdapterFault) -> Value {
    guard let value = node[key].flatMap(read) else {
      throw .settingInvalid(key: key, expected: expected, found: node[key]?.excerpt ?? "nothing")
    }
    return value
  }

  /// A flag that is off where it is null or missing, as in older PEFT versions' files.
  private static func flag(
    _ key: String, of node: JSONNode
  ) throws(CheckpointError.AdapterFault) -> Bool {
    guard let value = node[key], value != .null else { return false }
    return try require(key, of: node, "true or false", \.flag)
  }

  private static func patterns<Value>(
    _ key: String, of node: JSONNode, _ expected: String, _ read: (JSONNode) -> Value?
  ) throws(CheckpointError.AdapterFault) -> [(module: ModulePattern, value: Value)] {
    guard let map = node[key], map != .null else { return [] }
    guard let members = map.members, map.duplicateKey == nil else {
      throw .settingInvalid(
        key: key, expected: "an object with each key once", found: map.excerpt)
    }
    var patterns: [(module: ModulePattern, value: Value)] = []
    for member in members {
      guard let value = read(member.value) else {
        throw .settingInvalid(
          key: "\(key) of \(member.key)", expected: expected, found: member.value.excerpt)
      }
      guard let pattern = ModulePattern(member.key) else {
        throw .settingInvalid(
          key: key,
          expected: "regular expressions without look-around, back-references or flags as keys",
          found: member.key)
      }
      patterns.append((pattern, value))
    }
    return patterns
  }

  /// Of `target_parameters`, those of experts; another must be a module's weight.
  private static func expertParameters(
    of node: JSONNode
  ) throws(CheckpointError.AdapterFault) -> Set<String> {
    let key = "target_parameters"
    guard let value = node[key], !value.isOff else { return [] }
    let names = (value.elements ?? []).compactMap(\.text)
    guard !names.isEmpty, names.count == value.elements?.count else {
      throw .settingInvalid(key: key, expected: "a list of names", found: value.excerpt)
    }
    let last = Set(
      names.map { String($0[($0.lastIndex(of: ".").map($0.index(after:)) ?? $0.startIndex)...]) })
    let known: Set<String> = ["gate_up_proj", "down_proj"]
    if let other = last.subtracting(known).subtracting(["weight"]).sorted().first {
      throw .settingUnsupported(
        key: key, found: other,
        reason: "only experts' gate_up_proj and down_proj, and modules' weights, are read")
    }
    return last.intersection(known)
  }

  /// Refuses every setting under which the change is not `s · B · A` added to the weight.
  private static func refuseOtherMethods(
    _ node: JSONNode
  ) throws(CheckpointError.AdapterFault) {
    let type = try require("peft_type", of: node, "a string", \.text)
    guard type == "LORA" else {
      throw .settingUnsupported(
        key: "peft_type", found: type, reason: "only LORA adapters are low-rank updates")
    }
    if let bias = node["bias"], bias != .string("none"), bias != .null {
      throw .settingUnsupported(
        key: "bias", found: bias.excerpt, reason: "biases were trained beside the factors")
    }
    for (key, reason) in otherMethods {
      guard let value = node[key], !value.isOff else { continue }
      throw .settingUnsupported(key: key, found: value.excerpt, reason: reason)
    }
    let initialisation = node["init_lora_weights"] ?? .null
    if let name = initialisation.text, !["gaussian", "eva", "orthogonal"].contains(name) {
      throw .settingUnsupported(
        key: "init_lora_weights", found: name,
        reason: "it changes the base weights; save the adapter again, converted to plain LoRA")
    }
  }

  /// Settings that must be absent, null, false or empty, and what they would do. `modules_to_save` is
  /// none of them: the tensors that it saved say whether they were changed.
  private static let otherMethods: [(key: String, reason: String)] = [
    ("use_dora", "DoRA scales the columns of the changed weight, which is no low-rank update"),
    ("lora_bias", "the factors have biases"),
    ("use_qalora", "QA-LoRA pools the input before the factors"),
    ("alora_invocation_tokens", "activated LoRA applies to a part of the text only"),
    ("trainable_token_indices", "single embedding rows were trained beside the factors"),
    ("layer_replication", "the model has other layers than its checkpoint"),
    ("use_bdlora", "block-diagonal LoRA has other factors"),
    ("arrow_config", "Arrow chooses among adapters token by token"),
    ("monteclora_config", "MonteCLoRA's factors are random"),
    ("kasa_config", "KaSA changes the base weights"),
  ]
}

extension JSONNode {
  /// Null, false, or an empty list or object.
  fileprivate var isOff: Bool {
    self == .null || flag == false || elements?.isEmpty == true || members?.isEmpty == true
  }
}
