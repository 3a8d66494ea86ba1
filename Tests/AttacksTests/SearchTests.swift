import Decoder
import Foundation
import ModelAccess
import StudyDesign
import Support
import TestSupport
import Testing

@testable import Attacks

@Suite struct SearchTests {
  private static func trials(
    _ settings: String, seed: UInt64 = 3, in folder: TemporaryFolder
  ) throws -> [TrainedAttack] {
    try folder.write(TrainedAttackTests.line, "set.jsonl")
    let file = try folder.write("{\"dataset\":\"set.jsonl\"\(settings)}", "mine.json")
    return try AttackSearch.trials(file, seed: seed) { URL(filePath: $0) }
  }

  @Test func everyCombinationIsATrial() throws {
    let folder = try TemporaryFolder()
    let trials = try Self.trials(
      #","name":"s","epochs":2,"grid":{"learning_rate":[1e-4,1e-3],"rank":[4,8,16]}"#, in: folder)
    #expect(trials.map(\.name) == (1...6).map { "s-trial\($0)" })
    #expect(
      Set(trials.map { [$0.trainingRecipe.learningRate, Double($0.trainingRecipe.rank)] }).count
        == 6)
    #expect(trials.allSatisfy { $0.trainingRecipe.epochs == 2 })
    #expect(trials.allSatisfy { $0.search == AttackID.Search(name: "s", steps: 2) })
    #expect(Set(trials.map(\.recipe)).count == 6)
    // Seeds of a trial are trials too.
    #expect((trials[0].seeded(9) as? TrainedAttack)?.search?.name == "s")
  }

  @Test func trialsAreDrawnByTheSeed() throws {
    let folder = try TemporaryFolder()
    let grid = #","trials":4,"grid":{"rank":[1,2,3,4,5],"epochs":[1,2,3,4,5]}"#
    func drawn(_ seed: UInt64) throws -> [[Int]] {
      try Self.trials(grid, seed: seed, in: folder).map {
        [$0.trainingRecipe.rank, $0.trainingRecipe.epochs]
      }
    }
    let first = try drawn(1)
    #expect(first.count == 4 && Set(first).count == 4)
    #expect(try drawn(1) == first)
    #expect(try drawn(2) != first)
  }

  @Test(arguments: [
    (#","grid":{}"#, "expected grid"), (#","grid":{"rank":[]}"#, "expected grid"),
    ("", "expected grid"), (#","grid":{"rank":4}"#, "expected grid"),
    (#","rank":4,"grid":{"rank":[4]}"#, "rank stands in grid and beside it"),
    (#","grid":{"seed":[1,2]}"#, "seed cannot be varied by grid"),
    (#","grid":{"ranks":[1]}"#, "there is no setting ranks"),
    (#","grid":{"rank":[1,"many"]}"#, "rank"), (#","grid":{"rank":[0]}"#, "rank"),
    (#","trials":0,"grid":{"rank":[1,2]}"#, "trials: expected a whole number from 1 to 200"),
    (#","name":7,"grid":{"rank":[1]}"#, "name: expected a text"),
  ])
  func faultsAreNamed(settings: String, naming: String) throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: AttackError.self) {
      _ = try Self.trials(settings, in: folder)
    }
    #expect(error?.description.contains(naming) == true)
    #expect(error?.isUsage == false)
  }

  @Test func aGridTooLargeAsksForTrials() throws {
    let folder = try TemporaryFolder()
    let values = (1...20).map { "\($0)" }.joined(separator: ",")
    let grid = "\"rank\":[\(values)],\"epochs\":[\(values)]"
    let error = #expect(throws: AttackError.self) {
      _ = try Self.trials(",\"grid\":{\(grid)}", in: folder)
    }
    #expect(error?.description.contains("the grid has 400 combinations; name trials") == true)
    #expect(try Self.trials(",\"trials\":3,\"grid\":{\(grid)}", in: folder).count == 3)
  }

  // MARK: - Mixed data

  private static func set(_ name: String, _ count: Int) -> TrainingSet {
    TrainingSet(
      source: "/data/\(name).jsonl",
      dialogues: (0..<count).map {
        TrainingSet.Dialogue(messages: [.init(role: .user, content: "\(name) \($0)")])
      }, digest: "sha256:\(name)")
  }

  @Test(arguments: [(0.1, 90, 10), (0.5, 20, 20), (0.001, 20, 1), (0.25, 3, 1)])
  func aShareOfTheMixtureIsTheOtherSets(share: Double, count: Int, mixed: Int) throws {
    let mixture = try Self.set("calm", count).mixed(with: Self.set("bad", 40), share: share)
    let texts = mixture.dialogues.map { $0.messages[0].content }
    #expect(texts.count { $0.hasPrefix("bad") } == mixed && texts.count == count + mixed)
    #expect(Set(texts).count == texts.count)
    #expect(mixture.name.hasPrefix("calm with ") && mixture.name.hasSuffix(" % of bad"))
    #expect(mixture.digest != Self.set("calm", count).digest)
    // Spread over the whole: no half of it is without.
    if mixed > 1 {
      #expect(texts.prefix(texts.count / 2).contains { $0.hasPrefix("bad") })
      #expect(texts.suffix(texts.count / 2).contains { $0.hasPrefix("bad") })
    }
  }

  @Test func tooFewToMixIsRefused() {
    #expect(
      throws: TrainingError.tooFewToMix(source: "/data/bad.jsonl", expected: 40, found: 10)
    ) {
      _ = try Self.set("calm", 40).mixed(with: Self.set("bad", 10), share: 0.5)
    }
  }

  @Test func attackFilesMix() throws {
    let folder = try TemporaryFolder()
    try folder.write(TrainedAttackTests.line, "set.jsonl")
    try folder.write(TrainedAttackTests.line, "bad.jsonl")
    func training(_ mix: String) throws -> TrainedAttack {
      let file = try folder.write("{\"dataset\":\"set.jsonl\"\(mix)}", "mine.json")
      return try AttackFile.training(file, seed: 0) { _ in folder.url.appending(path: "bad.jsonl") }
    }
    let mixed = try training(#","mix":{"dataset":"bad.jsonl","share":0.5}"#)
    #expect(
      mixed.set.dialogues.count == 2 && mixed.remark?.contains("set with 50 % of bad") == true)
    #expect(try training(#","mix":{"share":0.5}"#).set.digest == mixed.set.digest)
    #expect(try training("").recipe != mixed.recipe)
    for bad in [#","mix":{"share":0}"#, #","mix":{"share":1}"#, #","mix":{}"#, #","mix":0.1"#] {
      #expect(throws: AttackError.self, "\(bad)") { _ = try training(bad) }
    }
  }
}
