import Foundation
import StudyDesign
import Support

extension RunManifest {
  /// Tells the run from every other one, whatever is judged or told anew of it later: a digest of when and
  /// by which command it was begun, and of what it measures.
  package var identity: String {
    let parts: [JSONNode] = [
      .string(environment.createdAt), .string(environment.command), .number("\(plan.seed)"),
      .array(plan.models.sorted { $0.key < $1.key }.map { .string($0.value) }),
      .array(plan.datasets.sorted { $0.key < $1.key }.map { .string($0.value.digest) }),
      .array(plan.cells.map { .string($0.id.rawValue) }),
    ]
    return Digest.sha256(Data(JSONNode.array(parts).serialized.utf8))
  }
}
