package import Foundation

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
      let modules = try PEFTModules(file)
      for (name, tensor) in modules.wholeTensors {
        try Self.requireUnchanged(tensor, of: file, named: name, in: checkpoint)
      }
      try modules.checkRanks(configuration)
      self.init(tensors: try modules.factors(from: file, configuration))
      if let checkpoint {
        try mergeTiedHead(in: checkpoint, isTied: configuration.ensuresWeightTying)
        try checkShapes(in: checkpoint)
      }
    } catch {
      throw fail(error)
    }
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
