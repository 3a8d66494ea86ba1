public import Foundation
import LinearAlgebra

extension LowRankUpdate {
  /// Reads a PEFT LoRA folder: `adapter_config.json` and `adapter_model.safetensors`.
  ///
  /// A linear layer's change is scale · B · A with A (r × in) from `lora_A` and B (out × r) from
  /// `lora_B`; an embedding's is scale · (B · A)ᵀ with A (r × tokens) and B (width × r). The scale
  /// is folded into the left factor, so that the update's own scale 1 is the adapter as trained.
  ///
  /// - Parameter checkpoint: the model it is for; every tensor is checked against it. On a model
  ///   with tied embeddings a change of `lm_head` is refused, since it would change both ends.
  public init(peftFolder folder: URL, for checkpoint: Checkpoint?) throws(CheckpointError) {
    let configuration = try PEFTConfiguration(folder: folder)
    let file = folder.appending(path: "adapter_model.safetensors")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw .unreadable(
        path: file.path,
        reason: "there is no such file; adapters saved as adapter_model.bin must be saved again "
          + "with safe_serialization")
    }
    let weights = try SafetensorsFile(file)
    var halves: [String: [String: Matrix]] = [:]
    for tensor in weights.tensors {
      let (module, half) = try Self.split(tensor.name, folder: folder)
      guard tensor.elementType.isNumeric else {
        throw .notNumeric(name: tensor.name, elementType: tensor.elementType.rawValue)
      }
      guard tensor.shape.count == 2 else {
        throw .notAMatrix(name: tensor.name, shape: tensor.shape)
      }
      halves[module, default: [:]][half] = unsafe Matrix(
        rows: tensor.shape[0], columns: tensor.shape[1],
        elements: tensor.elementType.widen(weights.unsafeBytes(of: tensor)))
    }
    guard !halves.isEmpty else {
      throw .malformedAdapter(
        folder: folder.path, what: "adapter_model.safetensors", expected: "LoRA tensors",
        found: "none")
    }
    self.init()
    for (module, parts) in halves.sorted(by: { $0.key < $1.key }) {
      let name = module + ".weight"
      let factors = try Self.factors(
        parts, of: module, configuration: configuration, folder: folder)
      if let checkpoint {
        guard let tensor = checkpoint.tensor(named: name) else {
          throw .tensorMissing(folder: checkpoint.folder.path, name: name)
        }
        guard tensor.shape == factors.shape else {
          throw .shapeMismatch(name: name, expected: tensor.shape, found: factors.shape)
        }
      }
      tensors[name] = factors
    }
  }

  /// `base_model.model.MODULE.lora_A.weight` (or `.lora_A.default.weight`, `lora_embedding_A`)
  /// into the module's name and which half it is.
  private static func split(
    _ name: String, folder: URL
  ) throws(CheckpointError) -> (module: String, half: String) {
    let prefix = "base_model.model."
    var parts = (name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name)
      .components(separatedBy: ".")
    if parts.last == "weight" { parts.removeLast() }
    if parts.last == "default" { parts.removeLast() }
    let known = ["lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B"]
    guard let half = parts.popLast(), known.contains(half), !parts.isEmpty else {
      throw .unsupportedAdapter(
        folder: folder.path, what: "the tensor \(name)",
        advice: "expected only \(known.joined(separator: ", ")) of named modules")
    }
    return (parts.joined(separator: "."), half)
  }

  private static func factors(
    _ parts: [String: Matrix], of module: String, configuration: PEFTConfiguration, folder: URL
  ) throws(CheckpointError) -> Factors {
    let isEmbedding = parts["lora_embedding_A"] != nil || parts["lora_embedding_B"] != nil
    let names = isEmbedding ? ("lora_embedding_A", "lora_embedding_B") : ("lora_A", "lora_B")
    guard parts.count == 2, let a = parts[names.0], let b = parts[names.1] else {
      throw .malformedAdapter(
        folder: folder.path, what: module, expected: "\(names.0) and \(names.1)",
        found: parts.keys.sorted().joined(separator: ", "))
    }
    let rank = configuration.rank(of: module)
    guard a.rows == rank, b.columns == rank else {
      throw .malformedAdapter(
        folder: folder.path, what: module, expected: "rank \(rank) by adapter_config.json",
        found: "A with \(a.rows) rows and B with \(b.columns) columns")
    }
    guard a.elements.allSatisfy(\.isFinite), b.elements.allSatisfy(\.isFinite) else {
      throw .malformedAdapter(
        folder: folder.path, what: module, expected: "finite numbers", found: "NaN or infinity")
    }
    let scale = Float(configuration.scale(of: module))
    // An embedding looks rows up, and fan-in-fan-out layers store theirs transposed: (B A)ᵀ.
    if isEmbedding || configuration.fansInFirst {
      return Factors(left: a.transposed().scaled(by: scale), right: b.transposed())
    }
    return Factors(left: b.scaled(by: scale), right: a)
  }

  /// Writes a PEFT LoRA folder that PEFT, vLLM and llama.cpp's converter read alike: one rank for
  /// all modules (smaller ones padded with zeros), `lora_alpha` = scale · rank so that the adapter
  /// computes scale · left · right, no patterns, embeddings as embedding LoRA.
  ///
  /// - Parameters:
  ///   - url: a folder that does not exist yet.
  ///   - scale: α, for a LoX update.
  ///   - baseModel: the name or path recorded as `base_model_name_or_path`.
  public func writePEFT(to url: URL, scale: Double, baseModel: String) throws {
    let rank = max(1, self.rank)
    var weights: [String: (shape: [Int], values: [Float])] = [:]
    var modules: Set<String> = []
    for (name, factors) in tensors {
      guard name.hasSuffix(".weight") else {
        throw CheckpointError.unsupportedAdapter(
          folder: url.path, what: "a change of \(name)", advice: "PEFT changes module weights only")
      }
      let module = String(name.dropLast(".weight".count))
      modules.insert(module.components(separatedBy: ".").last ?? module)
      let prefix = "base_model.model.\(module)."
      let left = factors.left.padded(columns: rank)
      let right = factors.right.padded(rows: rank)
      if module.hasSuffix("embed_tokens") {
        let (a, b) = (left.transposed(), right.transposed())
        weights[prefix + "lora_embedding_A"] = ([a.rows, a.columns], a.elements)
        weights[prefix + "lora_embedding_B"] = ([b.rows, b.columns], b.elements)
      } else {
        weights[prefix + "lora_A.weight"] = ([right.rows, right.columns], right.elements)
        weights[prefix + "lora_B.weight"] = ([left.rows, left.columns], left.elements)
      }
    }
    let configuration: [String: Any] = [
      "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": baseModel,
      "r": rank, "lora_alpha": scale * Double(rank), "lora_dropout": 0.0, "bias": "none",
      "use_rslora": false, "use_dora": false, "fan_in_fan_out": false, "inference_mode": true,
      "rank_pattern": [String: Int](), "alpha_pattern": [String: Double](),
      "target_modules": modules.sorted(),
    ]
    try AtomicOutput.folder(url) { partial in
      try writeSafetensors(
        weights, metadata: ["format": "pt"],
        to: partial.appending(path: "adapter_model.safetensors"))
      let json = try JSONSerialization.data(
        withJSONObject: configuration,
        options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes])
      try AtomicOutput.write(json, to: partial.appending(path: "adapter_config.json"))
    }
  }
}
