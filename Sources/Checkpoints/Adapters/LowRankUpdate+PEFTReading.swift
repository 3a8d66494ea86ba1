package import Foundation
import LinearAlgebra

extension LowRankUpdate {
  /// Reads a PEFT LoRA adapter.
  ///
  /// A linear module's factors `lora_A` (rank × in) and `lora_B` (out × rank) become
  /// `left = s · B` and `right = A`; with `fan_in_fan_out` the weight is stored transposed, so
  /// `left = s · Aᵀ` and `right = Bᵀ`. An embedding's `lora_embedding_A` (rank × vocabulary) and
  /// `lora_embedding_B` (hidden × rank) become `left = s · Aᵀ` and `right = Bᵀ`. The scale s
  /// (`lora_alpha / r`, or `lora_alpha / √r` with rsLoRA, patterns applied) is always folded into
  /// `left`.
  ///
  /// Where the checkpoint's head is tied to its embedding, the two are one tensor here: an adapter
  /// must change both alike (`ensure_weight_tying`) or neither. Whole tensors that PEFT saved beside the
  /// factors (embedding and head, `modules_to_save`) must equal the checkpoint's.
  ///
  /// An adapter that changes nothing is read: `zeroReason` tells.
  ///
  /// - Parameters:
  ///   - folder: holds `adapter_config.json` and `adapter_model.safetensors`.
  ///   - checkpoint: the model that the adapter is for; where given, every changed tensor must be
  ///     in it with a fitting shape.
  /// - Throws: `CheckpointError`: `.adapter` for everything that is not a plain LoRA adapter or
  ///   does not fit, `.header` for a malformed weights file, `.fileSystem`.
  package init(peftFolder folder: URL, checkpoint: Checkpoint? = nil) throws(CheckpointError) {
    func fail(_ fault: CheckpointError.AdapterFault) -> CheckpointError {
      .adapter(folder: folder.path, fault)
    }
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard unsafe files.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      throw .fileSystem(.folderMissing(path: folder.path))
    }
    guard isFolder.boolValue else { throw .fileSystem(.notAFolder(path: folder.path)) }
    let configurationPath = folder.appending(path: PEFTAdapter.configurationFileName).path
    guard files.fileExists(atPath: configurationPath) else { throw fail(.configurationMissing) }
    let bytes = try Checkpoint.settings(URL(filePath: configurationPath))
    let configuration: PEFTConfiguration
    do throws(CheckpointError.AdapterFault) {
      configuration = try PEFTConfiguration(parsing: bytes)
    } catch {
      throw fail(error)
    }
    let weights = folder.appending(path: PEFTAdapter.weightsFileName)
    guard files.fileExists(atPath: weights.path) else {
      let pickled = folder.appending(path: PEFTAdapter.pickledWeightsFileName).path
      throw fail(.weightsMissing(pickled: files.fileExists(atPath: pickled)))
    }

    let file = try SafetensorsFile(weights)
    do throws(CheckpointError.AdapterFault) {
      var modules = try PEFTModules(file)
      try modules.nameExperts(configuration)
      for (name, tensor) in modules.wholeTensors {
        try Self.requireUnchanged(tensor, of: file, named: name, in: checkpoint)
      }
      try modules.checkRanks(configuration)
      self.init(tensors: try modules.factors(from: file, configuration))
      if let checkpoint {
        self = named(as: checkpoint)
        try mergeTiedHead(in: checkpoint, isTied: configuration.ensuresWeightTying)
        try checkShapes(in: checkpoint)
      }
    } catch {
      throw fail(error)
    }
  }

  /// The update under the names that a checkpoint has for what an opened model calls otherwise, and with
  /// experts' matrices apart or together as it stores them.
  private func named(as checkpoint: Checkpoint) -> LowRankUpdate {
    let naming = checkpoint.naming
    var result = LowRankUpdate()
    for (name, factors) in tensors {
      var stored = checkpoint.tensor(named: name) == nil ? naming.stored(opened: name) : name
      for (old, new) in [(".mlp.", ".block_sparse_moe."), (".block_sparse_moe.", ".mlp.")]
      where checkpoint.tensor(named: stored) == nil {
        let other = stored.replacingOccurrences(of: old, with: new)
        if checkpoint.tensor(named: other) != nil { stored = other }
      }
      if checkpoint.tensor(named: stored) == nil, let slice = TensorSlice(parsing: stored),
        let parts = Self.separate(slice, factors, in: checkpoint)
      {
        result.tensors.merge(parts) { $1 }
      } else {
        result.tensors[stored] = factors
      }
    }
    return result
  }

  /// An expert's change in a checkpoint that stores experts one by one, gate and up each for itself.
  private static func separate(
    _ slice: TensorSlice, _ factors: Factors, in checkpoint: Checkpoint
  ) -> [String: Factors]? {
    guard let dot = slice.tensor.lastIndex(of: ".") else { return nil }
    let part = slice.tensor[slice.tensor.index(after: dot)...]
    let modules = [
      String(slice.tensor[..<dot]),
      slice.tensor[..<dot].replacingOccurrences(of: ".mlp.", with: ".block_sparse_moe."),
    ]
    for module in modules {
      for names in part == "down_proj"
        ? [["down_proj"], ["w2"]] : [["gate_proj", "up_proj"], ["w1", "w3"]]
      {
        let tensors = names.map { "\(module).\(slice.index).\($0).weight" }
        guard tensors.allSatisfy({ checkpoint.tensor(named: $0) != nil }) else { continue }
        let rows = factors.left.rows / tensors.count
        return Dictionary(
          uniqueKeysWithValues: tensors.enumerated().map { index, tensor in
            (
              tensor,
              Factors(
                left: factors.left.rows(index * rows..<(index + 1) * rows), right: factors.right)
            )
          })
      }
    }
    return nil
  }

  /// Turns a change of embedding and head of a tied checkpoint into one change of its one matrix.
  private mutating func mergeTiedHead(
    in checkpoint: Checkpoint, isTied: Bool
  ) throws(CheckpointError.AdapterFault) {
    guard let tied = checkpoint.tiedHead else { return }
    let names = checkpoint.naming
    let embeddingName = "\(names.root)embed_tokens.weight"
    let head = tensors.removeValue(forKey: "\(names.head).weight")
    let embedding = tensors.removeValue(forKey: embeddingName)
    switch (embedding, head) {
    case (nil, nil): return
    case (nil, _): throw .tiedHead(module: PEFTAdapter.headModule)
    case (_, nil):
      guard isTied else { throw .tiedHead(module: String(embeddingName.dropLast(7))) }
    default:
      guard embedding == head else { throw .tiedHead(module: PEFTAdapter.headModule) }
    }
    tensors[tied.name] = embedding
  }

  private func checkShapes(
    in checkpoint: Checkpoint
  ) throws(CheckpointError.AdapterFault) {
    for (name, factors) in tensors.sorted(by: { $0.key < $1.key }) {
      guard let tensor = checkpoint.tensor(named: name) else {
        throw .tensorNotInCheckpoint(tensor: name, checkpoint: checkpoint.folder.path)
      }
      guard tensor.shape == factors.shape else {
        throw .shapeMismatch(tensor: name, expected: tensor.shape, found: factors.shape)
      }
    }
  }

  /// Checks that an adapter's copy of a tensor has the checkpoint's values, as far as its own element
  /// type can hold them.
  private static func requireUnchanged(
    _ tensor: TensorDescription, of file: SafetensorsFile, named name: String,
    in checkpoint: Checkpoint?
  ) throws(CheckpointError.AdapterFault) {
    let isHead = name == "\(PEFTAdapter.headModule).weight"
    let own = isHead ? checkpoint?.tiedHead?.name ?? name : name
    let expected = checkpoint?.tensor(named: own)
    guard expected?.shape == tensor.shape, let type = tensor.dtype.elementType,
      let saved = try? file.floats(of: tensor), let values = try? checkpoint?.floats(named: own),
      saved == values || saved == type.rounded(values)
    else {
      throw .wholeTensorChanged(name: tensor.name, shape: tensor.shape, expected: expected?.shape)
    }
  }

  /// Why the update changes nothing; nil where it changes something.
  ///
  /// An adapter that was never trained has zeros in every `lora_B`, and a scale of 0 (`lora_alpha`) takes
  /// every change away.
  package var zeroReason: String? {
    guard isZero else { return nil }
    return "in every module lora_A, lora_B or the scale (lora_alpha) is zero"
  }
}

extension ElementType {
  /// Values as this type holds them.
  fileprivate func rounded(_ values: [Float]) -> [Float] {
    unsafe narrow(values).withUnsafeBytes { unsafe widen($0) }
  }
}
