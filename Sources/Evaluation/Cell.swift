public import Chat

/// One model of a study on one dataset: a row of its table.
public struct Cell: Codable, Hashable, Sendable {
  /// The aligned checkpoint's name.
  public var model: String
  public var targets: String
  /// A number or `full`; empty where no extrapolation is in question.
  public var rank: String
  public var alpha: Double
  /// `none`, or the attack's name.
  public var attack: String
  public var attackMethod: String
  public var dataset: String
  /// The updates that make up the model.
  public var variant: [ScaledUpdate]

  public init(
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
  public var id: String { "\(modelID)-\(dataset)" }

  /// Names the model alone, whatever it is asked.
  public var modelID: String {
    (alpha == 0 ? "a0" : "r\(rank)-a\(Number.text(alpha))") + "-\(attack)"
  }
}

/// Numbers as they stand in files: a dot, no separators, no trailing zeros.
public enum Number {
  public static func text(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }
}
