import Foundation

/// Which files of a model folder hold weights, in whatever format.
enum WeightFiles {
  private static let extensions: Set<String> = [
    "safetensors", "bin", "pt", "pth", "ckpt", "gguf", "ggml", "h5", "msgpack", "onnx", "npz",
    "tflite", "pkl", "params",
  ]

  /// Whether a file holds weights, lists the files that do, or was left by a killed writer.
  static func contains(_ name: String) -> Bool {
    let lowercased = name.lowercased()
    let pathExtension = (lowercased as NSString).pathExtension
    return extensions.contains(pathExtension) || lowercased.hasSuffix(".index.json")
      || pathExtension.hasPrefix("partial-")
  }

  /// The weight files of a folder, sorted.
  static func names(in folder: URL) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter(contains).sorted()
  }
}
