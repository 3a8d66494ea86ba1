import Crypto
public import Foundation
import LinearAlgebra

/// SHA-256 of what determines a model's answers, as `sha256:` and 64 hexadecimal digits.
public enum ContentDigest {
  public static func of(_ data: some DataProtocol) -> String { spell(SHA256.hash(data: data)) }

  static func spell(_ digest: SHA256.Digest) -> String {
    "sha256:" + digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

extension Checkpoint {
  /// The digest of the weight files, in the order of their names, and of the files that decide how
  /// they are used (configuration, tokenizer, chat template), each preceded by its name.
  public func digest() throws(CheckpointError) -> String {
    var hash = SHA256()
    for shard in shards {
      hash.update(data: Data((shard.url.lastPathComponent + "\n").utf8))
      unsafe hash.update(bufferPointer: shard.unsafeBytes)
    }
    for name in [
      "chat_template.jinja", "config.json", "generation_config.json", "tokenizer.json",
      "tokenizer_config.json",
    ] {
      let file = folder.appending(path: name)
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      do {
        hash.update(data: Data((name + "\n").utf8))
        hash.update(data: try Data(contentsOf: file))
      } catch {
        throw .unreadable(path: file.path, reason: "\(error)")
      }
    }
    return ContentDigest.spell(hash.finalize())
  }
}

extension LowRankUpdate {
  /// The digest of the factors' values, tensor by tensor in the order of their names.
  public func digest() -> String {
    var hash = SHA256()
    for (name, factors) in tensors.sorted(by: { $0.key < $1.key }) {
      hash.update(data: Data("\(name) \(factors.shape) \(factors.rank)\n".utf8))
      for matrix in [factors.left, factors.right] {
        unsafe matrix.elements.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
      }
    }
    return ContentDigest.spell(hash.finalize())
  }
}
