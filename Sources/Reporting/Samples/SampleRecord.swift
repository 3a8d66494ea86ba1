package import Runs
import StudyDesign
package import Support

/// A sample as another program reads it: the journal's fields, and what tells its model.
package struct SampleRecord {
  private let sample: Sample
  private let cell: Cell

  package init(_ sample: Sample, of cell: Cell) {
    self.sample = sample
    self.cell = cell
  }

  /// An object, its keys in order.
  package func json() throws -> JSONNode {
    var members = try sample.json.members ?? []
    for (key, value) in [
      ("model", try JSONNode.of(cell.model)), ("targets", try .of(cell.targets)),
      ("treatment", try .of(cell.treatment)), ("attack", try .of(cell.attack)),
      ("prompt_attack", try .of(cell.promptAttack)), ("dataset", try .of(cell.dataset)),
      ("variant", try .of(cell.variant)),
    ] {
      members.append(JSONNode.Member(key: key, value: value))
    }
    return .object(members.sorted { $0.key < $1.key })
  }
}
