import Crypto
public import Foundation

/// How files of a run are written and told apart.
public enum RunFile {
  /// Replaces or creates a file: it is written beside and renamed, so nobody sees half of it.
  public static func write(_ data: Data, to url: URL) throws(EvaluationError) {
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: url, options: .atomic)
    } catch {
      throw .unwritable(path: url.path, reason: (error as NSError).localizedDescription)
    }
  }

  /// SHA-256 as `sha256:` and 64 hexadecimal digits.
  public static func digest(_ data: Data) -> String {
    "sha256:"
      + SHA256.hash(data: data).map {
        String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
      }.joined()
  }
}
