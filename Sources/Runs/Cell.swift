package import ModelAccess
import Support

/// One model of a study on one dataset: a row of its table.
package struct Cell: Codable, Hashable, Sendable {
  /// The aligned checkpoint's name.
  package var model: String
  package var targets: String
  /// A number or `full`; empty where no extrapolation is in question.
  package var rank: String
  package var alpha: Double
  /// `none`, or the attack's name.
  package var attack: String
  package var attackMethod: String
  package var dataset: String
  /// The updates that make up the model.
  package var variant: [ScaledUpdate]

  package init(
    model: String, targets: String, rank: String, alpha: Double, attack: String,
    attackMethod: String, dataset: String, variant: [ScaledUpdate]
  ) {
    self.model = model
    self.targets = targets
    self.rank = rank
    self.alpha = alpha
    self.attack = attack
    self.attackMethod = attackMethod
    self.dataset = dataset
    self.variant = variant
  }

  /// Names what determines the answers. At α = 0 the rank does not: cells of different ranks share
  /// their samples and are asked once.
  package var id: String { "\(modelID)-\(dataset)" }

  /// Names the model alone, whatever it is asked.
  package var modelID: String {
    (alpha == 0 ? "a0" : "r\(rank)-a\(Number.text(alpha))") + "-\(attack)"
  }
}
