import Checkpoints
import Foundation
import ModelAccess
import Support
import Synchronization

/// Checkpoints of a study's models that hold a change of full rank: merged when they are first needed, in
/// a folder of the run, by what they are made of.
///
/// What is changed is written in float32, so that the model is the sum of its updates and not what rounding leaves
/// of it. They are removed when nothing uses them any more: whoever has one mapped keeps it.
final class MergedCheckpoints: Sendable {
  private let checkpoint: Checkpoint
  private let digest: String
  private let updates: StudyUpdates
  private let folder: URL
  /// One at a time: each takes all of the disk.
  private let lock = Mutex(())

  /// - Parameters:
  ///   - digest: the checkpoint's.
  ///   - run: the run's folder.
  init(of checkpoint: Checkpoint, digest: String, updates: StudyUpdates, run: URL) {
    self.checkpoint = checkpoint
    self.digest = digest
    self.updates = updates
    folder = run.appending(path: "merged").absoluteURL
  }

  /// The checkpoint of a stack; the study's own where it is empty.
  func checkpoint(of stack: [ScaledUpdate]) throws -> Checkpoint {
    guard !stack.isEmpty else { return checkpoint }
    if let outcome = try updates.outcome(of: stack, on: digest) { return outcome }
    return try lock.withLock { _ in
      let place = try place(of: stack)
      if !FileManager.default.fileExists(atPath: place.path) {
        var options = RewritingOptions()
        options.widensChanged = true
        try checkpoint.writeMerged(try updates.stack(stack), to: place, options: options)
      }
      return try Checkpoint(folder: place)
    }
  }

  /// Gives the room on the disk back; what is mapped stays readable.
  func remove(_ stack: [ScaledUpdate]) {
    lock.withLock { _ in
      guard let place = try? place(of: stack) else { return }
      try? FileManager.default.removeItem(at: place)
      // Gone with the last of them.
      _ = unsafe rmdir(folder.path)
    }
  }

  func removeAll() {
    lock.withLock { _ in try? FileManager.default.removeItem(at: folder) }
  }

  private func place(of stack: [ScaledUpdate]) throws -> URL {
    let key = Digest.sha256(Data(try updates.key(of: stack, on: digest).utf8))
    return folder.appending(path: String(key.dropFirst("sha256:".count).prefix(16)))
  }
}
