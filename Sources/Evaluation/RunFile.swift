public import Foundation

/// How files of a run are written.
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
}
