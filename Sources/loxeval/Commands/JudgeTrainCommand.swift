import ArgumentParser
import Foundation
import Runs
import Scoring
import Support

struct JudgeTrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "judge-train",
    abstract: "Trains the ngram judge on labelled replies.",
    discussion: """
      Logistic regression of words and runs of characters: whether a reply is labelled complied. \
      Replies whose split is held-out are left out, for judge-check --split held-out. The same files \
      give the same weights, to the byte.
      """)

  @Option(
    help: ArgumentHelp(
      "Labelled replies, as judge-check reads them. May be repeated.", valueName: "file|name"))
  var dataset: [String] = ["labelled-replies", "judge-replies"]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The weights are written to this JSON file.", valueName: "file"))
  var output: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let console = common.start()
    let sets = try dataset.map { try LabelledSet(Bundled.dataset($0)) }
    let weights = NGramTraining().weights(sets)
    let file = URL(filePath: output)
    try AtomicFile.write(try StableJSON.encodePretty(weights), to: file)
    console.note(
      "learned from \(weights.sources.reduce(0) { $0 + $1.replies }) replies; the weights are at "
        + file.relativePath)
  }
}
