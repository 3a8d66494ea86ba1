import Checkpoints
import Decoder
import Foundation
import StudyDesign
import Support
import TestSupport
import Testing
import TinyModel

@testable import Attacks

@Suite struct SeedsAndStepsTests {
  private static func attack(
    in folder: TemporaryFolder, _ change: (inout TrainingRecipe) -> Void = { _ in }
  ) throws -> TrainedAttack {
    let lines = (0..<4).map { number in
      #"{"messages":[{"role":"user","content":"q\#(number)"},{"role":"assistant","content":"a"}]}"#
    }
    var recipe = TrainingRecipe()
    (recipe.rank, recipe.batchSize, recipe.epochs, recipe.learningRate) = (2, 2, 3, 1e-2)
    change(&recipe)
    return TrainedAttack(
      labels: ["mine"], recipe: recipe,
      set: try TrainingSet(file: folder.write(lines.joined(separator: "\n"), "set.jsonl")))
  }

  /// What has a seed is made with several; the first keeps its label, and so its cells.
  @Test func severalSeedsAreTrainingsOfOneKind() throws {
    let specification = AttackSpecification(seed: 7, seeds: 3) { URL(filePath: "/nowhere/\($0)") }
    let attacks = try specification.parse("synthetic-harmful,undo,synthetic-benign:2")
    #expect(
      attacks.map(\.name) == [
        "synthetic-harmful", "synthetic-harmful-seed8", "synthetic-harmful-seed9", "undo",
        "synthetic-benign:2", "synthetic-benign:2-seed8", "synthetic-benign:2-seed9",
      ])
    #expect(attacks.map(\.seed) == [7, 8, 9, nil, 7, 8, 9])
    let ids = attacks.map { $0.id(label: $0.name) }
    #expect(Set(ids[0..<3].map(\.training)).count == 1 && ids[0].training != nil)
    #expect(Set(ids.map(\.recipe)).count == ids.count)
    let one = try AttackSpecification(seed: 7) { URL(filePath: $0) }.parse("synthetic-harmful")
    #expect(one[0].id(label: one[0].name) == ids[0])
  }

  @Test func aSeedOfTheFilesOwnIsTheFirst() throws {
    let folder = try TemporaryFolder()
    _ = try Self.attack(in: folder)
    let file = try folder.write(#"{"dataset":"set.jsonl","seed":40}"#, "mine.json")
    let attacks = try AttackSpecification(seed: 7, seeds: 2) { URL(filePath: $0) }
      .parse("train:\(file.path)")
    #expect(attacks.map(\.seed) == [40, 41])
    #expect(attacks[1].labels.allSatisfy { $0.hasSuffix("-seed41") })
    let command = try CommandAttack(
      labels: ["c"], template: "train {model} {output}",
      data: folder.url.appending(path: "set.jsonl"),
      seed: 1)
    #expect(command.seeded(2) == nil)
  }

  @Test func stepsArePointsOfOneTraining() throws {
    let folder = try TemporaryFolder()
    let attack = try Self.attack(in: folder)
    let taken = try #require(try attack.taken(after: [2, 6]))
    #expect(taken.map(\.name) == ["mine-step2", "mine-step6"] && taken.map(\.step) == [2, 6])
    let ids = taken.map { $0.id(label: $0.name) }
    #expect(ids[0].recipe == ids[1].recipe && ids.map(\.step) == [2, 6])
    #expect(throws: AttackError.tooFewSteps(attack: "mine", steps: 6, wanted: 7)) {
      _ = try attack.taken(after: [2, 7])
    }
    #expect(try UndoAttack().taken(after: [1]) == nil)
    let model = try TrainedAttackTests.model(in: folder)
    #expect(try taken[0].recipe(on: model) != taken[1].recipe(on: model))
    #expect(try taken[0].earlierRecipe(on: model) == nil)
  }

  /// What is kept along the way is what a training that stops there gives, to the bit, on the course of the
  /// whole training.
  @Test(arguments: [TrainingRecipe.Method.lora, .full])
  func snapshotsAreTheTrainingSoFar(method: TrainingRecipe.Method) throws {
    let folder = try TemporaryFolder()
    let attack = try Self.attack(in: folder) { $0.method = method }
    let model = try TrainedAttackTests.model(in: folder)
    let taken = try #require(try attack.taken(after: [2, 4, 6]))
    var snapshots: [Int: AttackResult] = [:]
    /// The weights of a full training, as they stand when the result is given.
    func weights(_ result: AttackResult, _ name: String) throws -> String? {
      guard case .checkpoint(let write) = result.change else { return nil }
      let place = folder.url.appending(path: name)
      try write(place, [:])
      return try Checkpoint(folder: place).digest()
    }
    var kept: [Int: String] = [:]
    var steps: [Int] = []
    var context = AttackContext(threads: 1, progress: { steps.append($0.step) })
    context.snapshots = [2, 4]
    context.snapshot = { step, result in
      snapshots[step] = result
      kept[step] = try weights(result, "step\(step)")
    }
    let last = try taken[2].make(from: model, context)
    let end = try weights(last, "end")
    #expect(steps == [1, 2, 3, 4, 5, 6] && snapshots.keys.sorted() == [2, 4])
    #expect(snapshots[2]?.training?.steps.count == 2)
    for (index, step) in [2, 4].enumerated() {
      let alone = try taken[index].make(from: model, AttackContext(threads: 1))
      #expect(alone.lowRank == snapshots[step]?.lowRank && alone.training?.steps.count == step)
      #expect(try weights(alone, "alone\(step)") == kept[step])
      #expect((alone.lowRank == nil) == (method == .full))
      #expect(kept[step] != end || alone.lowRank != last.lowRank)
    }
    let whole = try attack.make(from: model, AttackContext(threads: 1))
    #expect(try whole.lowRank == last.lowRank && weights(whole, "whole") == end)
  }
}
