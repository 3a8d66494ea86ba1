import Crypto
import Foundation
import LinearAlgebra
import Support

/// SHA-256 over named tensors, or files, in the order in which they are appended: for each, the length
/// of a line `name dtype [shape]` as eight little-endian bytes, the line, and the values' little-endian
/// bytes.
private struct WeightDigest {
  private var hash = SHA256()

  mutating func append(
    name: String, dtype: String, shape: [Int], bytes: UnsafeRawBufferPointer
  ) {
    let line = [UInt8]("\(name) \(dtype) \(shape)".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: line.count >> ($0 * 8)) }
    hash.update(data: length)
    hash.update(data: line)
    unsafe hash.update(bufferPointer: bytes)
  }

  func text() -> String { Digest.text(hash.finalize()) }
}

extension Checkpoint {
  /// The files beside the weights that decide what a model says.
  private static let decidingFiles = [
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja", "special_tokens_map.json",
  ]

  /// What identifies the model: `sha256:` and 64 hexadecimal digits over every tensor's name, dtype,
  /// shape and bytes, and over the configuration and the tokenizer. How tensors are spread over files
  /// does not matter.
  package func digest() -> String {
    var digest = WeightDigest()
    for name in Self.decidingFiles {
      guard let data = try? InputFile(folder.appending(path: name), .vocabulary).data else {
        continue
      }
      unsafe data.withUnsafeBytes { bytes in
        unsafe digest.append(name: name, dtype: "file", shape: [data.count], bytes: bytes)
      }
    }
    for (file, tensor) in located {
      unsafe digest.append(
        name: tensor.name, dtype: tensor.dtype.name, shape: tensor.shape,
        bytes: file.unsafeBytes(of: tensor))
      // Keeps memory bounded for checkpoints larger than it.
      file.advise(.dontNeed, for: tensor)
    }
    return digest.text()
  }
}

extension LowRankUpdate {
  /// What identifies the update: `sha256:` and 64 hexadecimal digits over every tensor's name and
  /// factors. The file that it came from does not matter, its scale does.
  package func digest() -> String {
    var digest = WeightDigest()
    for (name, factors) in tensors.sorted(by: { $0.key < $1.key }) {
      for (side, matrix) in [("left", factors.left), ("right", factors.right)] {
        unsafe matrix.elements.withUnsafeBytes { bytes in
          unsafe digest.append(
            name: "\(name) \(side)", dtype: ElementType.float32.rawValue,
            shape: [matrix.rows, matrix.columns], bytes: bytes)
        }
      }
    }
    return digest.text()
  }
}
