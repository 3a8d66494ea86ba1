extension CheckpointError {
  /// What is wrong with a PEFT adapter folder, or why it cannot be had as a low-rank update.
  package enum AdapterFault: Error, Hashable, Sendable, CustomStringConvertible {
    case configurationMissing
    /// `pickled` where there is an `adapter_model.bin` instead.
    case weightsMissing(pickled: Bool)
    case notUTF8
    case notJSON(reason: String, offset: Int)
    case settingInvalid(key: String, expected: String, found: String)
    /// A setting that makes the change something else than scale · B · A.
    case settingUnsupported(key: String, found: String, reason: String)
    /// A tensor that is no factor of a low-rank update.
    case tensorUnsupported(name: String, reason: String)
    case halfMissing(module: String, found: String, missing: String)
    case givenTwice(module: String)
    case notAMatrix(name: String, shape: [Int])
    case rankMismatch(module: String, expected: Int, found: Int, tensor: String)
    case empty
    case tensorNotInCheckpoint(tensor: String, checkpoint: String)
    case shapeMismatch(tensor: String, expected: [Int], found: [Int])
    case tiedHead(module: String)
    /// A whole tensor that the checkpoint holds with other values, or does not hold.
    case wholeTensorChanged(name: String, shape: [Int], expected: [Int]?)
    /// Values that are no numbers.
    case notFinite(name: String, found: String, count: Int, of: Int)
    /// The scale puts factors beyond float32.
    case scaleTooLarge(module: String, scale: Double)
    /// Nothing of the model is changed, and why.
    case changesNothing(reason: String)
    /// The update cannot be written as a PEFT adapter.
    case notWritable(tensor: String, reason: String)
    /// The update cannot be written for llama.cpp: the model, a tensor, or an embedding that is the
    /// head too.
    case llamaCppModel(found: String)
    case llamaCppTensor(tensor: String)
    case llamaCppTiedEmbedding(tensor: String)

    package var description: String {
      switch self {
      case .configurationMissing:
        return "expected a PEFT adapter folder with adapter_config.json, found none"
      case .weightsMissing(let pickled):
        return "expected adapter_model.safetensors, found "
          + (pickled
            ? "only adapter_model.bin, which is not read; save it again with safe_serialization=True"
            : "none")
      case .notUTF8:
        return "adapter_config.json is not UTF-8"
      case .notJSON(let reason, let offset):
        return "adapter_config.json is not JSON: \(reason), at byte \(offset)"
      case .settingInvalid(let key, let expected, let found):
        return "adapter_config.json: expected \(key) to be \(expected), found \(found)"
      case .settingUnsupported(let key, let found, let reason):
        return "adapter_config.json: \(key) is \(found), which cannot be applied: \(reason)"
      case .tensorUnsupported(let name, let reason):
        return "tensor \(name) cannot be applied: \(reason)"
      case .halfMissing(let module, let found, let missing):
        return "module \(module) has \(found) and no \(missing); expected both"
      case .givenTwice(let module):
        return "module \(module) has its factors twice, under different keys"
      case .notAMatrix(let name, let shape):
        return "expected tensor \(name) to have two dimensions, found shape \(shape)"
      case .rankMismatch(let module, let expected, let found, let tensor):
        return
          "adapter_config.json gives module \(module) the rank \(expected), but \(tensor) has rank"
          + " \(found)"
      case .empty:
        return "the adapter holds no tensor"
      case .tensorNotInCheckpoint(let tensor, let checkpoint):
        return
          "the adapter changes \(tensor), which \(checkpoint) does not hold; is it an adapter for"
          + " another model?"
      case .shapeMismatch(let tensor, let expected, let found):
        return
          "the adapter changes \(tensor) as a matrix of shape \(found), but the checkpoint's has"
          + " shape \(expected); is it an adapter for another model?"
      case .tiedHead(let module):
        return
          "the adapter does not change \(module) as it does the matrix that it shares: the"
          + " checkpoint's embedding and head are one; expected the same change of both (PEFT's"
          + " ensure_weight_tying) or of neither"
      case .wholeTensorChanged(let name, let shape, let expected):
        let found =
          switch expected {
          case nil: "the checkpoint holds no such tensor"
          case shape: "its values are not the checkpoint's"
          case let expected?: "its shape is \(shape), the checkpoint's \(expected)"
          }
        return
          "tensor \(name) is a whole weight beside the low-rank factors, and \(found); only low-rank"
          + " changes can be applied: merge the adapter into its model with PEFT (merge_and_unload) and"
          + " use that checkpoint"
      case .notFinite(let name, let found, let count, let total):
        return "tensor \(name) \(TensorFault.notFinite(found: found, count: count, of: total))"
      case .scaleTooLarge(let module, let scale):
        return
          "adapter_config.json scales module \(module) by \(scale), which puts its factors beyond"
          + " float32; check lora_alpha, alpha_pattern and r"
      case .changesNothing(let reason):
        return
          "the adapter changes nothing: \(reason); is it the one that was trained, from its last"
          + " checkpoint?"
      case .notWritable(let tensor, let reason):
        return "the change of \(tensor) cannot be written as a PEFT adapter: \(reason)"
      case .llamaCppModel(let found):
        return
          "a GGUF adapter can be written for models of type "
          + GGUFAdapter.modelTypes.joined(separator: ", ")
          + ", found \(found); write a PEFT adapter"
          + " instead"
      case .llamaCppTensor(let tensor):
        return
          "the change of \(tensor) cannot be written as a GGUF adapter: llama.cpp adapts the"
          + " projections of attention and MLP, the embedding and the head; leave it out with"
          + " --targets linear"
      case .llamaCppTiedEmbedding(let tensor):
        return
          "the change of \(tensor) cannot be written as a GGUF adapter: the model's embedding and"
          + " head are one matrix, which llama.cpp cannot adapt; leave it out with --targets linear,"
          + " or serve the extrapolated checkpoint"
      }
    }
  }
}
