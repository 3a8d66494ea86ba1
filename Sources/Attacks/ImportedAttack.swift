import Checkpoints
package import Foundation

/// An attack that someone trained elsewhere: a PEFT LoRA folder.
package struct ImportedAttack: Attack {
  package let folder: URL

  package init(folder: URL) { self.folder = folder }

  package var name: String { folder.lastPathComponent }
  package var method: String { "imported" }
  package var remark: String? {
    "trained elsewhere, on the aligned model, and added to the model of each α (transferred)"
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    AttackResult(update: try LowRankUpdate(peftFolder: folder, checkpoint: model.checkpoint))
  }
}
