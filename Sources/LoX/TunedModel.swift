package import Checkpoints
package import Foundation

/// A fine-tuned model, by its weights or by an adapter on the aligned model.
package enum TunedModel: Sendable {
  case checkpoint(Checkpoint)
  case adapter(LowRankUpdate)

  /// Whether a folder holds a whole model, rather than an adapter or nothing of the kind.
  package static func isWhole(_ folder: URL) -> Bool {
    func holds(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: folder.appending(path: name).path)
    }
    return !holds("adapter_config.json") && holds("config.json")
  }

  /// - Parameter folder: a PEFT folder, else a Hugging Face one.
  package init(folder: URL, aligned: Checkpoint) throws {
    let isAdapter = FileManager.default.fileExists(
      atPath: folder.appending(path: "adapter_config.json").path)
    self =
      isAdapter
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
