package import Foundation
import LinearAlgebra
import Support

extension LowRankUpdate {
  /// Writes the update as a PEFT LoRA adapter that every server reads: one `r`, one `lora_alpha`,
  /// no rsLoRA, no patterns, float32.
  ///
  /// `r` is the largest rank and smaller ones are padded with zeros. PEFT multiplies by
  /// `lora_alpha / r`, so `lora_alpha = scale · r` makes the applied change `scale · left · right`;
  /// the factors are written unscaled. An embedding is written as embedding LoRA. Weights are taken
  /// to be stored out × in, as every model but those built on GPT-2's `Conv1D` does.
  ///
  /// - Parameters:
  ///   - folder: the finished adapter; it appears only when complete.
  ///   - scale: for LoX the α of `W + α · Proj_k(ΔW)`.
  ///   - tiesHead: whether the model's head is its embedding (`Checkpoint.hasTiedHead`): the
  ///     embedding's change is then written for `lm_head` too, since PEFT applies each apart. Such
  ///     an adapter is to be applied unmerged: PEFT's own merge adds both to the one matrix.
  ///   - naming: how the checkpoint names its tensors; modules are then named as transformers names those of
  ///     the opened model.
  ///   - baseModel: what to name as `base_model_name_or_path`.
  ///   - additionalFiles: further files by name, such as a record of the training.
  ///   - replaceExisting: whether a folder of that name may be replaced.
  /// - Throws: `CheckpointError.adapter` where the update is empty or changes what is no module's
  ///   weight, `.fileSystem`.
  package func writePEFT(
    to folder: URL, scale: Double = 1, tiesHead: Bool = false,
    naming: Checkpoint.Naming? = nil, baseModel: String? = nil,
    additionalFiles: [String: Data] = [:],
    replaceExisting: Bool = false
  ) throws(CheckpointError) {
    let rank = max(self.rank, 1)
    var modules: [PEFTModule] = []
    var experts: [String: [Int: Factors]] = [:]
    for (tensor, factors) in tensors.sorted(by: { $0.key < $1.key }) {
      if let slice = TensorSlice(parsing: tensor) {
        let name = naming?.opened(slice.tensor) ?? slice.tensor
        experts[name, default: [:]][slice.index] = factors.padded(to: rank)
        continue
      }
      guard tensor.hasSuffix(".weight") else {
        throw .adapter(
          folder: folder.path,
          .notWritable(tensor: tensor, reason: "it is not the weight of a module"))
      }
      let stored = String(tensor.dropLast(".weight".count))
      let module = naming?.opened(stored) ?? stored
      let isEmbedding = PEFTAdapter.isEmbedding(module)
      modules.append(PEFTModule(module, factors.padded(to: rank), isEmbedding: isEmbedding))
      guard tiesHead, isEmbedding || module == PEFTAdapter.headModule else { continue }
      guard isEmbedding ? tensors["\(PEFTAdapter.headModule).weight"] == nil : naming != nil else {
        throw .adapter(folder: folder.path, .tiedHead(module: PEFTAdapter.headModule))
      }
      // The other of the two, which PEFT applies apart.
      let other =
        isEmbedding ? PEFTAdapter.headModule : naming?.opened("\(naming?.root ?? "")embed_tokens")
      modules.append(
        PEFTModule(other ?? "", factors.padded(to: rank), isEmbedding: !isEmbedding))
    }
    modules += PEFTModule.experts(experts)
    guard !modules.isEmpty else { throw .adapter(folder: folder.path, .empty) }

    // The factors are small: both formats together stay far below one weight matrix.
    let declarations = modules.flatMap(\.tensors).map {
      TensorDeclaration(
        name: PEFTAdapter.modulePrefix + $0.name, dtype: .float32,
        shape: [$0.matrix.rows, $0.matrix.columns])
    }
    let values = modules.flatMap(\.tensors).map(\.matrix.elements)
    let partial = try PartialOutput(
      .folder, at: folder, needed: SafetensorsWriter.byteCount(of: declarations),
      replaceExisting: replaceExisting)
    let writer = try SafetensorsWriter(
      inside: partial, fileName: PEFTAdapter.weightsFileName, tensors: declarations)
    for (declaration, values) in zip(declarations, values) {
      try writer.write(values, of: declaration.name)
    }
    try writer.finish()
    let configuration = Self.peftConfiguration(
      rank: rank, alpha: scale * Double(rank), modules: modules, baseModel: baseModel)
    try OutputFile.write(
      [UInt8]((configuration.indented() + "\n").utf8),
      to: partial.url.appending(path: PEFTAdapter.configurationFileName).path)
    for (name, data) in additionalFiles.sorted(by: { $0.key < $1.key }) {
      try OutputFile.write([UInt8](data), to: partial.url.appending(path: name).path)
    }
    try partial.commit()
  }

  private static func peftConfiguration(
    rank: Int, alpha: Double, modules: [PEFTModule], baseModel: String?
  ) -> JSONNode {
    let names = modules.filter { $0.parameter == nil }.map(\.name)
    let parameters = Set(modules.compactMap(\.parameter)).sorted()
    var settings: [(String, JSONNode)] = [
      ("alpha_pattern", .object([])),
      ("base_model_name_or_path", baseModel.map(JSONNode.string) ?? .null),
      ("bias", .string("none")),
      ("fan_in_fan_out", .boolean(false)),
      ("inference_mode", .boolean(true)),
      ("init_lora_weights", .boolean(true)),
      ("lora_alpha", .number(Number.text(alpha))),
      ("lora_dropout", .number("0.0")),
      ("modules_to_save", .null),
      ("peft_type", .string("LORA")),
      ("r", .number("\(rank)")),
      ("rank_pattern", .object([])),
      ("target_modules", .array(targetModules(names).map(JSONNode.string))),
      ("task_type", .string("CAUSAL_LM")),
      ("use_dora", .boolean(false)),
      ("use_rslora", .boolean(false)),
    ]
    if !parameters.isEmpty {
      settings.append(("target_parameters", .array(parameters.map(JSONNode.string))))
    }
    return .object(settings.map { JSONNode.Member(key: $0.0, value: $0.1) })
  }

  /// How `target_modules` names the modules: by kind (`q_proj`), as people and servers expect,
  /// where every layer has the same kinds; by full name otherwise, so that PEFT adapts no others.
  static func targetModules(_ modules: [String]) -> [String] {
    var kindsOfLayer: [Int: Set<String>] = [:]
    for module in modules {
      let parts = module.split(separator: ".")
      if let layer = parts.lazy.compactMap({ Int($0) }).first, let kind = parts.last {
        kindsOfLayer[layer, default: []].insert(String(kind))
      }
    }
    let isUniform =
      Set(kindsOfLayer.keys) == Set(0..<kindsOfLayer.count)
      && Set(kindsOfLayer.values).count <= 1
    guard isUniform else { return modules.sorted() }
    return Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) }).sorted()
  }
}
