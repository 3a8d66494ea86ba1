package import Checkpoints
package import Foundation

/// A fine-tuned model, by its weights or by an adapter on the aligned model.
package enum TunedModel: Sendable {
  case checkpoint(Checkpoint)
  case adapter(LowRankUpdate)

  private static func holds(_ name: String, _ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: name).path)
  }

  private static func isAdapter(_ folder: URL) -> Bool { holds("adapter_config.json", folder) }

  /// Whether a folder holds a whole model, rather than an adapter or nothing of the kind.
  package static func isWhole(_ folder: URL) -> Bool {
    !isAdapter(folder) && holds("config.json", folder)
  }

  /// - Parameter folder: a PEFT folder, else a Hugging Face one.
  package init(folder: URL, aligned: Checkpoint) throws {
    self =
      Self.isAdapter(folder)
      ? .adapter(try LowRankUpdate(peftFolder: folder, checkpoint: aligned))
      : .checkpoint(try Checkpoint(folder: folder))
  }

  /// What fine-tuning added to the aligned model.
  ///
  /// - Throws: `CheckpointError.tensor` where the two have other tensors.
  package func change(of aligned: Checkpoint) throws -> WeightUpdate {
    switch self {
    case .checkpoint(let tuned): .dense(try DenseUpdate(from: aligned, to: tuned))
    case .adapter(let update): .lowRank(update)
    }
  }
}
