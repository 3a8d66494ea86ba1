public import Foundation

extension Checkpoint {
  /// Writes a copy of this checkpoint with some tensors changed: same shards, names, element types,
  /// metadata and side files; tensors without a change are copied byte for byte.
  ///
  /// - Parameters:
  ///   - url: a folder that does not exist yet; it appears only when it is whole.
  ///   - change: the new float32 values of a tensor, or nil to keep it; narrowed once, to nearest
  ///     even, to the tensor's element type.
  public func write(
    to url: URL, change: (TensorDescription) throws -> [Float]?
  ) throws {
    try AtomicOutput.folder(url) { partial in
      for shard in shards {
        var writer = try SafetensorsWriter(
          partial.appending(path: shard.url.lastPathComponent),
          tensors: shard.tensors.map { ($0.name, $0.elementType, $0.shape) },
          metadata: shard.metadata)
        for tensor in shard.tensors {
          if let values = try change(tensor) {
            precondition(values.count == tensor.elementCount)
            let bytes = tensor.elementType.narrow(values)
            try unsafe bytes.withUnsafeBytes { unsafe try writer.append(tensor.name, $0) }
          } else {
            unsafe try writer.append(tensor.name, shard.unsafeBytes(of: tensor))
          }
          shard.release(tensor)
        }
        try writer.finish()
      }
      try copySideFiles(to: partial)
    }
  }

  /// Copies what makes the folder usable (configuration, tokenizer, template, index) and leaves
  /// out weights in other formats and hidden files.
  private func copySideFiles(to target: URL) throws(CheckpointError) {
    let weights: Set = ["safetensors", "bin", "gguf", "pt", "pth", "h5", "msgpack", "onnx", "ckpt"]
    do {
      let contents = try FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: [.isRegularFileKey], options: .skipsHiddenFiles)
      for file in contents {
        let file = file.resolvingSymlinksInPath()
        guard !weights.contains(file.pathExtension),
          try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true
        else { continue }
        try Data(contentsOf: file).write(to: target.appending(path: file.lastPathComponent))
      }
    } catch {
      throw .unwritable(path: target.path, reason: AtomicOutput.reason(error))
    }
  }
}

/// Writes float32 tensors as one safetensors file, in the order of their names.
public func writeSafetensors(
  _ tensors: [String: (shape: [Int], values: [Float])], metadata: [String: String] = [:],
  to url: URL
) throws {
  let ordered = tensors.sorted { $0.key < $1.key }
  var writer = try SafetensorsWriter(
    url, tensors: ordered.map { ($0.key, .float32, $0.value.shape) }, metadata: metadata)
  for (name, tensor) in ordered {
    try unsafe tensor.values.withUnsafeBytes { bytes in
      unsafe try writer.append(name, bytes)
    }
  }
  try writer.finish()
}
