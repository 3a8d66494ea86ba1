package import Checkpoints
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
    recipe = try Self.digests(of: folder)
  }

  private static func digests(of folder: URL) throws(AttackError) -> String {
    var digests: [String] = []
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
      do throws(InputFile.Fault) {
        digests.append(try InputFile.digest(of: folder.appending(path: name)))
      } catch {
        throw .missingAdapter(
          path: folder.path,
          reason: error.isMissing ? "found no \(name)" : "of \(name): \(error)")
      }
    }
    return digests.joined(separator: " ")
  }

  package var labels: [String] { folder.labels }
  package var method: AttackID.Method { .imported }
  package var seed: UInt64? { nil }
  package var remark: String? {
    "trained elsewhere, on the aligned model, and added to the model of each α (transferred)"
  }

  /// Refuses an adapter that does not fit, holds what is no number, or changes nothing: it would be
  /// measured as an attack that the model withstands.
  package func check(on checkpoint: Checkpoint) throws { _ = try update(for: checkpoint) }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    AttackResult(update: try update(for: model.checkpoint))
  }

  private func update(for checkpoint: Checkpoint) throws -> LowRankUpdate {
    let update = try LowRankUpdate(changing: checkpoint, peftFolder: folder)
    guard try Self.digests(of: folder) == recipe else {
      throw AttackError.changedAdapter(path: folder.path)
    }
    return update
  }
}

extension ImportedAttack {
  static let kind = AttackKind(
    "import", form: ":DIR", summary: "a PEFT folder", takesPath: true
  ) { item, _ in
    try ImportedAttack(folder: item.path())
  }
}

extension LowRankUpdate {
  /// Reads the PEFT folder of an attack.
  ///
  /// - Throws: `CheckpointError.adapter` also where it changes nothing.
  init(changing checkpoint: Checkpoint, peftFolder folder: URL) throws {
    try self.init(peftFolder: folder, checkpoint: checkpoint)
    if let reason = zeroReason {
      throw CheckpointError.adapter(folder: folder.path, .changesNothing(reason: reason))
    }
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
