import ArgumentParser
import Attacks
import Checkpoints
import Evaluation
import Foundation
import LoX

struct AttackCommand: ParsableCommand {
  enum Method: String, ExpressibleByArgument, CaseIterable {
    case synthetic
  }

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case harmful, benign
  }

  static let configuration = CommandConfiguration(
    commandName: "attack",
    abstract: "Makes one attack update and writes it as a PEFT folder.",
    discussion: """
      Synthetic attacks are proxies: they change weights by a formula, without data or training. \
      harmful moves against the alignment's top directions; benign is a random change of the same \
      norm.
      """)

  @OptionGroup(title: "Models") var pair: PairOptions

  @Option(help: "How the update is made: synthetic.")
  var method = Method.synthetic

  @Option(help: "harmful or benign.")
  var kind = Kind.harmful

  @Option(help: "The update's norm as a multiple of that of the alignment's top directions.")
  var strength = 1.0

  @Option(help: "The update's rank.")
  var rank = 6

  @Option(help: "Seeds the random parts.")
  var seed: UInt64 = 0

  @Option(
    name: .shortAndLong, help: ArgumentHelp("A folder that does not exist yet.", valueName: "dir"))
  var output: String

  @OptionGroup(title: "General") var common: CommonOptions

  func validate() throws {
    guard rank >= 1 else { throw ValidationError("--rank: expected at least 1, found \(rank)") }
    guard strength.isFinite, strength > 0 else {
      throw ValidationError("--strength: expected a positive number, found \(strength)")
    }
  }

  func run() throws {
    let console = common.start()
    let pair = try pair.open()
    let decomposition = try Decomposition(of: pair, rank: .leading(rank)) { done, total in
      console.show(.count(what: "tensors decomposed", done: done, total: total))
    }
    let attack = SyntheticAttack(
      kind: kind == .harmful ? .harmful : .benign, strength: strength, rank: rank, seed: seed)
    let update = try attack.update(
      for: AttackedModel(checkpoint: pair.aligned, alignment: decomposition))
    try update.writePEFT(
      to: URL(filePath: output), scale: 1, tiesHead: pair.aligned.hasTiedHead,
      baseModel: pair.aligned.folder.lastPathComponent)
    print(output)
  }
}
