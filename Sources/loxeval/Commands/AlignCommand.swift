import ArgumentParser
import Attacks
import Checkpoints
import Decoder
import Foundation
import Runs
import Studies
import Support

struct AlignCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "align",
    abstract: "Fine-tunes a base model into an aligned one, for those who have no pair.",
    discussion: """
      Supervised on dialogues, or with --objective preference on pairs of a chosen and a rejected \
      reply (DPO), as the models of the LoX paper were made. The result is a checkpoint with the \
      model's own layout and element types (--dtype); adapters are merged into it.
      """)

  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder, or a model's name on the hub, such as org/name[@revision].",
      valueName: "dir|name"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Dialogues or preference pairs: a file, or a bundled set's name such as "
        + "training/safety-refusals.", valueName: "file|name"))
  var dataset: String

  @Option(help: "What is trained: full or lora.")
  var method = TrainingRecipe.Method.full

  @Option(help: "What training seeks: supervised or preference.")
  var objective = TrainingRecipe.Objective.supervised

  @Option(in: TrainingRecipe.Ranges.preferenceBeta, help: "β of the preference objective.")
  var beta = TrainingRecipe().preferenceBeta

  @OptionGroup var training: TrainingOptions

  @OptionGroup var writing: ChatFormatOptions

  @OptionGroup var elementType: ElementTypeOptions

  @Option(
    name: .shortAndLong, help: ArgumentHelp("A folder that does not exist yet.", valueName: "dir"))
  var output: String

  @OptionGroup var common: CommonOptions

  private var recipe: TrainingRecipe {
    get throws {
      var start = TrainingOptions.start(method)
      start.objective = objective
      start.preferenceBeta = beta
      return try training.recipe(from: start)
    }
  }

  func validate() throws { _ = try recipe }

  func run() throws {
    let console = common.start()
    try CheckpointWriter.refuseOccupied(URL(filePath: output))
    let checkpoint = try Checkpoint(
      folder: ModelFolders(console).model(model, as: "model"))
    let set = try TrainingSet(file: Bundled.dataset(dataset)).prefix(training.limit)
    let target = URL(filePath: output)
    let (trainer, record) = try TrainedAttack.train(
      AttackedModel(checkpoint: checkpoint, chatFormat: writing.choice),
      recipe: try recipe, set: set,
      AttackContext(threads: common.threadCount, note: Console.warning) { progress in
        try Interruption.shared.check()
        console.show(.training(progress))
      })
    let files = [TrainingRecord.fileName: try StableJSON.encodePretty(record)]
    switch method {
    case .full:
      try trainer.writeCheckpoint(
        to: target, widensTrained: elementType.widens, additionalFiles: files)
    case .lora:
      var options = RewritingOptions()
      options.additionalFiles = files
      options.widensChanged = elementType.widens
      try checkpoint.writeMerged(
        [ScaledWeightUpdate(trainer.adapter)], to: target, options: options)
    }
    Screen.shared.print(output)
  }
}
