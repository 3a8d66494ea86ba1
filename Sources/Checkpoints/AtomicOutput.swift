public import Foundation

/// Files and folders that appear under their name only when they are whole.
///
/// Everything is written beside the target under a name that begins with a dot and is renamed at
/// the end, so a run that fails or is killed leaves nothing that looks finished.
public enum AtomicOutput {
  /// Replaces or creates a file.
  public static func write(_ data: Data, to url: URL) throws(CheckpointError) {
    let partial = partialName(of: url)
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: partial)
    } catch {
      try? FileManager.default.removeItem(at: partial)
      throw .unwritable(path: url.path, reason: reason(error))
    }
    try move(partial, to: url)
  }

  /// Fills a new folder by `body`, which gets the temporary folder to write to.
  ///
  /// - Throws: `outputExists` where there is something at `url` already, other than an empty folder.
  public static func folder(
    _ url: URL, _ body: (URL) throws -> Void
  ) throws {
    let manager = FileManager.default
    if let contents = try? manager.contentsOfDirectory(atPath: url.path) {
      guard contents.isEmpty else { throw CheckpointError.outputExists(path: url.path) }
    } else if manager.fileExists(atPath: url.path) {
      throw CheckpointError.outputExists(path: url.path)
    }
    let partial = partialName(of: url)
    do {
      try manager.createDirectory(at: partial, withIntermediateDirectories: true)
    } catch {
      throw CheckpointError.unwritable(path: partial.path, reason: reason(error))
    }
    do {
      try body(partial)
      try move(partial, to: url)
    } catch {
      try? manager.removeItem(at: partial)
      throw error
    }
  }

  private static func partialName(of url: URL) -> URL {
    url.deletingLastPathComponent().appending(
      path: ".\(url.lastPathComponent).partial-\(ProcessInfo.processInfo.processIdentifier)")
  }

  private static func move(_ from: URL, to: URL) throws(CheckpointError) {
    guard unsafe rename(from.path, to.path) == 0 else {
      throw .unwritable(path: to.path, reason: MappedFile.reason())
    }
  }

  static func reason(_ error: any Error) -> String {
    (error as NSError).localizedDescription
  }
}
