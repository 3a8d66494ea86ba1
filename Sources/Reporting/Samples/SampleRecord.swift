package import Runs
import StudyDesign

/// A sample with what its cell is of, for programs: the fields of its journal's line and of the plan's cell.
package struct SampleRecord: Encodable {
  private let sample: Sample
  private let cell: Cell

  package init(_ sample: Sample, of cell: Cell) {
    self.sample = sample
    self.cell = cell
  }

  private enum CodingKeys: String, CodingKey {
    case model, targets, treatment, attack, dataset, variant
    case promptAttack = "prompt_attack"
  }

  package func encode(to encoder: any Encoder) throws {
    try sample.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(cell.model, forKey: .model)
    try container.encode(cell.targets, forKey: .targets)
    try container.encode(cell.treatment, forKey: .treatment)
    try container.encode(cell.attack, forKey: .attack)
    try container.encode(cell.promptAttack, forKey: .promptAttack)
    try container.encode(cell.dataset, forKey: .dataset)
    try container.encode(cell.variant, forKey: .variant)
  }
}
