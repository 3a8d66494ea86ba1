import Checkpoints
public import Foundation

/// An attack that someone trained elsewhere: a PEFT LoRA folder.
public struct ImportedAttack: Attack {
  public let folder: URL

  public init(folder: URL) { self.folder = folder }

  public var name: String { folder.lastPathComponent }
  public var method: String { "imported" }
  public var remark: String? {
    "trained elsewhere, on the aligned model, and added to the model of each α (transferred)"
  }

  public func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    AttackResult(update: try LowRankUpdate(peftFolder: folder, checkpoint: model.checkpoint))
  }
}
