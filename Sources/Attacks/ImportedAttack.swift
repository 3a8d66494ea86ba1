import Checkpoints
package import Foundation
package import StudyDesign
import Support

/// An attack that someone trained elsewhere: a PEFT LoRA folder.
package struct ImportedAttack: Attack {
  package let folder: URL
  /// Digests of its two files.
  package let recipe: String

  /// - Throws: `AttackError.missingAdapter` where the folder is none of PEFT's.
  package init(folder: URL) throws(AttackError) {
    self.folder = folder
    var digests: [String] = []
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
      guard let data = try? Data(contentsOf: folder.appending(path: name), options: .mappedIfSafe)
      else { throw .missingAdapter(path: folder.path) }
      digests.append(Digest.sha256(data))
    }
    recipe = digests.joined(separator: " ")
  }

  package var labels: [String] { folder.labels }
  package var method: AttackID.Method { .imported }
  package var seed: UInt64? { nil }
  package var remark: String? {
    "trained elsewhere, on the aligned model, and added to the model of each α (transferred)"
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    AttackResult(update: try LowRankUpdate(peftFolder: folder, checkpoint: model.checkpoint))
  }
}

extension URL {
  /// What a folder may be called: its last component, then with ever more of those before it.
  package var labels: [String] {
    let components = absoluteURL.standardizedFileURL.pathComponents.filter { $0 != "/" }
    return components.indices.reversed().map {
      components[$0...].joined(separator: "/")
    }
  }
}
