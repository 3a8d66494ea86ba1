import ArgumentParser
import Checkpoints
import Decoder
import Foundation
import ModelAccess

struct CreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Makes a small Llama that knows nothing yet, to be trained from nothing by align.",
    discussion: """
      The vocabulary is learnt from the datasets' texts (byte-level byte pairs), the weights are \
      random. This is how the pair that comes with the project begins.
      """)

  @Option(
    help: ArgumentHelp(
      "Training sets whose texts the vocabulary is learnt from. May be repeated.",
      valueName: "file|name"))
  var dataset: [String]

  @Option(in: NewModel.Ranges.hiddenSize, help: "The width of the residual stream.")
  var hiddenSize = NewModel().hiddenSize

  @Option(in: NewModel.Ranges.intermediateSize, help: "The width of the feed-forward layers.")
  var intermediateSize = NewModel().intermediateSize

  @Option(in: NewModel.Ranges.layers, help: "Decoder blocks.")
  var layers = NewModel().layerCount

  @Option(in: NewModel.Ranges.heads, help: "Attention heads.")
  var heads = NewModel().headCount

  @Option(in: NewModel.Ranges.heads, help: "Heads of keys and values.")
  var keyValueHeads = NewModel().keyValueHeadCount

  @Option(in: NewModel.Ranges.contextLength, help: "The longest sequence, in tokens.")
  var contextLength = NewModel().contextLength

  @Option(in: NewModel.Ranges.vocabularySize, help: "The most tokens of the vocabulary.")
  var vocabularySize = NewModel().vocabularyLimit

  @Option(in: Seed.range, help: "Seeds the weights.")
  var seed: UInt64 = 0

  @Option(
    name: .shortAndLong, help: ArgumentHelp("A folder that does not exist yet.", valueName: "dir"))
  var output: String

  @OptionGroup var common: CommonOptions

  private var plan: NewModel {
    var plan = NewModel()
    (plan.hiddenSize, plan.intermediateSize, plan.layerCount) = (
      hiddenSize, intermediateSize, layers
    )
    (plan.headCount, plan.keyValueHeadCount) = (heads, keyValueHeads)
    (plan.contextLength, plan.vocabularyLimit, plan.seed) = (contextLength, vocabularySize, seed)
    return plan
  }

  func validate() throws {
    guard !dataset.isEmpty else { throw ValidationError("--dataset: expected at least one") }
    do { try plan.validate() } catch { throw ValidationError("\(error)") }
  }

  func run() throws {
    _ = common.start()
    try CheckpointWriter.refuseOccupied(URL(filePath: output))
    let texts = try dataset.flatMap { name in
      try TrainingSet(file: Bundled.dataset(name)).dialogues.flatMap { $0.messages.map(\.content) }
    }
    // ChatML writes the speakers' names.
    let roles = ChatMessage.Role.allCases.flatMap { role in
      [String](repeating: "\(role.rawValue)\n", count: texts.count)
    }
    try plan.write(to: URL(filePath: output), texts: texts + roles)
    Screen.shared.print(output)
  }
}
