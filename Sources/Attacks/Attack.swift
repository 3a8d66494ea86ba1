public import Checkpoints
public import LoX

/// The model that an attack fine-tunes: an aligned checkpoint, what is known of its alignment, and
/// the scaled updates on top of it.
public struct AttackedModel: Sendable {
  public let checkpoint: Checkpoint
  /// The triplets of the alignment's ΔW; attacks that imitate fine-tuning need them.
  public let alignment: Decomposition?
  /// The stack of updates that make up the model before the attack, such as LoX at some α.
  public let stack: [(update: LowRankUpdate, scale: Double)]

  public init(
    checkpoint: Checkpoint, alignment: Decomposition?,
    stack: [(update: LowRankUpdate, scale: Double)] = []
  ) {
    self.checkpoint = checkpoint
    self.alignment = alignment
    self.stack = stack
  }
}

/// A fine-tuning attack: a model in, a low-rank update out.
public protocol Attack: Sendable {
  /// As it stands in the `attack` column.
  var name: String { get }
  /// `synthetic`, `imported`, `lora`, `full` or `command`.
  var method: String { get }
  /// What a reader must know to judge the result; nil where the name says it all.
  var remark: String? { get }
  func update(for model: AttackedModel) throws -> LowRankUpdate
}

/// What can be wrong with an attack.
public enum AttackError: Error, Equatable, CustomStringConvertible {
  case unknown(String)
  case invalidStrength(attack: String, found: String)
  case missingFolder(String)
  case needsAlignment(attack: String)
  case duplicate(String)

  public var description: String {
    switch self {
    case .unknown(let found):
      "there is no attack \(found); expected none, synthetic-harmful[:STRENGTH], "
        + "synthetic-benign[:STRENGTH] or import:DIR (a PEFT folder)"
    case .invalidStrength(let attack, let found):
      "expected the strength of \(attack) to be a positive number, found \(found)"
    case .missingFolder(let attack):
      "expected a PEFT folder after \(attack): import:DIR"
    case .needsAlignment(let attack):
      "\(attack) moves against the alignment and needs a base and an aligned model; pass --base "
        + "and --aligned"
    case .duplicate(let name):
      "the attack \(name) is named twice; give imported folders different names"
    }
  }
}
