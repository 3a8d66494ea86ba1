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
  /// must change both alike (`ensure_weight_tying`) or neither. An unchanged base weight that PEFT
  /// saved beside a targeted embedding must equal the checkpoint's.
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
    guard unsafe files.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue
    else {
      throw .fileSystem(.folderMissing(path: folder.path))
    }
    let configurationPath = folder.appending(path: PEFTAdapter.configurationFileName).path
    guard files.fileExists(atPath: configurationPath) else { throw fail(.configurationMissing) }
    let bytes = try Checkpoint.readWhole(configurationPath)
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
      if let name = modules.baseLayers.first(where: {
        !Self.equals(file, tensor: $0.tensor, in: checkpoint, module: $0.module)
      })?.tensor.name {
        throw .baseLayerChanged(name: name)
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
    guard let embeddingName = checkpoint.tiedEmbeddingName else { return }
    let head = tensors.removeValue(forKey: "\(PEFTAdapter.headModule).weight")
    let embedding = tensors[embeddingName]
    switch (embedding, head) {
    case (nil, nil): break
    case (nil, _): throw .tiedHead(module: PEFTAdapter.headModule)
    case (_, nil):
      guard isTied else { throw .tiedHead(module: String(embeddingName.dropLast(7))) }
    default:
      guard embedding == head else { throw .tiedHead(module: PEFTAdapter.headModule) }
    }
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

  /// Whether an adapter's copy of a base weight has the checkpoint's values.
  private static func equals(
    _ file: SafetensorsFile, tensor: TensorDescription, in checkpoint: Checkpoint?, module: String
  ) -> Bool {
    guard let checkpoint else { return false }
    let isHead = module == PEFTAdapter.headModule
    let name = isHead ? checkpoint.tiedEmbeddingName ?? "\(module).weight" : "\(module).weight"
    guard let base = checkpoint.tensor(named: name), base.shape == tensor.shape,
      let saved = try? file.floats(of: tensor), let own = try? checkpoint.floats(named: name)
    else { return false }
    return saved == own
  }
}
