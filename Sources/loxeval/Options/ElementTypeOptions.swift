import ArgumentParser
import Checkpoints

/// In what element type a changed model is written.
struct ElementTypeOptions: ParsableArguments {
  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case same, float32
  }

  @Option(
    name: .customLong("dtype"),
    help: ArgumentHelp(
      "The element type of changed tensors in a checkpoint: same as the model's, or float32. Rounding to "
        + "bfloat16 takes back changes smaller than half the distance of two numbers there. config.json "
        + "stays as it is: load a float32 model as such."))
  var choice = Choice.same

  var widens: Bool { choice == .float32 }

  /// - Parameter isCheckpoint: whether a checkpoint is written, and no adapter.
  func check(isCheckpoint: Bool) throws {
    guard !widens || isCheckpoint else {
      throw ValidationError("--dtype: expected --as checkpoint; an adapter is of float32 anyway")
    }
  }

  /// Below this share of a change, rounding is told of.
  private static let told = 0.95

  /// Says what rounding left of a change where that is not nearly all.
  ///
  /// - Parameter isLowRank: whether an adapter could hold it.
  func warn(of rounding: RoundingTally, isLowRank: Bool) {
    guard let kept = rounding.kept, kept < Self.told else { return }
    Console.warning(
      "rounded to the model's element types, the checkpoint holds \(Int((kept * 100).rounded())) % of the "
        + "change (its share along it); --dtype float32 \(isLowRank ? "or --as adapter " : "")holds all of it"
    )
  }
}
