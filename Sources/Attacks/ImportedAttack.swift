package import Checkpoints
package import Foundation
import LoX
import ModelAccess
package import StudyDesign
import Support

/// A fine-tuning that was done elsewhere: a PEFT LoRA folder, or a whole model.
package struct ImportedAttack: Attack {
  package let folder: URL
  /// Digests of an adapter's two files, or of a model's weights.
  package let recipe: String
  package let isDense: Bool

  /// - Throws: `AttackError.missingAdapter` where the folder is neither; `CheckpointError` where it is a
  ///   model that cannot be read.
  package init(folder: URL) throws {
    self.folder = folder
    isDense = TunedModel.isWhole(folder)
    recipe = try Self.digests(of: folder, isWhole: isDense)
  }

  private static func digests(of folder: URL, isWhole: Bool) throws -> String {
    if isWhole { return try Checkpoint(folder: folder).digest() }
    return try ["adapter_config.json", "adapter_model.safetensors"].map { name in
      do throws(InputFile.Fault) {
        return try InputFile.digest(of: folder.appending(path: name))
      } catch {
        throw AttackError.missingAdapter(
          path: folder.path,
          reason: error.isMissing ? "found no \(name)" : "of \(name): \(error)")
      }
    }.joined(separator: " ")
  }

  package var labels: [String] { folder.labels }
  package var method: AttackID.Method { .imported }
  package var seed: UInt64? { nil }
  package var remark: String? {
    "trained elsewhere, on the aligned model, and added to the model of each α (transferred)"
  }

  /// Refuses what does not fit, holds what is no number, or changes nothing: it would be
  /// measured as an attack that the model withstands.
  package func check(on checkpoint: Checkpoint) throws { _ = try tuned(checkpoint) }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    try tuned(model.checkpoint)
  }

  private func tuned(_ checkpoint: Checkpoint) throws -> AttackResult {
    let result = try AttackResult(of: checkpoint, in: folder)
    guard try Self.digests(of: folder, isWhole: isDense) == recipe else {
      throw AttackError.changedAdapter(path: folder.path)
    }
    return result
  }
}

extension ImportedAttack {
  static let kind = AttackKind(
    "import", form: ":DIR", summary: "a PEFT folder or a whole model, or its name on the hub",
    takesPath: true
  ) { item, specification in
    _ = try item.path()
    return try ImportedAttack(folder: specification.folder(item.argument ?? ""))
  }
}

extension AttackResult {
  /// Reads what a training elsewhere left.
  ///
  /// - Parameters:
  ///   - checkpoint: what was trained.
  ///   - folder: a PEFT folder or a whole model.
  /// - Throws: `CheckpointError` where it cannot be read or does not fit; also where it
  ///   changes nothing or holds what is no number.
  init(of checkpoint: Checkpoint, in folder: URL) throws {
    switch try TunedModel(folder: folder, aligned: checkpoint) {
    case .adapter(let update):
      if let reason = update.zeroReason {
        throw CheckpointError.adapter(folder: folder.path, .changesNothing(reason: reason))
      }
      self.init(update: update)
    case .checkpoint(let tuned):
      // Of the same tensors, or it is no change.
      _ = try DenseUpdate(from: checkpoint, to: tuned)
      guard try !tuned.holdsTheWeights(of: checkpoint) else {
        throw AttackError.changesNothing(path: folder.path)
      }
      try tuned.requireNumbers()
      self.init(.model(tuned))
    }
  }
}
