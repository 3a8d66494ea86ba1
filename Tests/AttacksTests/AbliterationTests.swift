import Checkpoints
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import TestSupport
import Testing
import TinyModel

@testable import Attacks

@Suite struct AbliterationTests {
  /// What numpy computed of a tiny random model in float64.
  private struct Golden: Decodable {
    struct Result: Decodable {
      var norm: Double
      var sample: [Double]
    }
    struct Abliteration: Decodable {
      var harmful: [[Int]]
      var harmless: [[Int]]
      var layer: Int
      var direction: [Double]
      var result: [String: Result]
    }
    var abliteration: Abliteration
  }

  private static func golden() throws -> (Golden.Abliteration, AttackedModel) {
    let folder = SharedMaterial.folder.appending(path: "golden/defences")
    let golden = try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: folder.appending(path: "golden.json")))
    return (
      golden.abliteration,
      AttackedModel(
        checkpoint: try Checkpoint(folder: folder.appending(path: "aligned")), targets: .all)
    )
  }

  private static let needsGolden: Comment =
    "needs golden/defences of the shared material: a base and an aligned model with numpy's results"

  @Test(.enabled(if: SharedMaterial.has("golden/defences/golden.json"), needsGolden))
  func directionAndUpdateEqualNumpys() throws {
    let (golden, model) = try Self.golden()
    let abliteration = try Abliteration(model, threads: 2)
    let directions = try abliteration.directions(
      harmful: golden.harmful, harmless: golden.harmless)
    let direction = try #require(directions[golden.layer])
    #expect(direction.count == golden.direction.count)
    let furthest = zip(direction, golden.direction).map { abs($0 - $1) }.max() ?? .infinity
    #expect(furthest < 1e-4)

    let (update, _) = try abliteration.update(
      removing: Abliteration.Directions(
        embedding: golden.direction,
        blocks: [[Double]](repeating: golden.direction, count: directions.count - 1)))
    for (name, result) in golden.result {
      var values = try model.checkpoint.floats(named: name).map(Double.init)
      let largest = values.map(abs).max() ?? 0
      if let factors = update.tensors[name] {
        let change = Matrix<Double>(factors.left).multiplied(by: Matrix<Double>(factors.right))
        for index in values.indices { values[index] += change.elements[index] }
      }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(norm - result.norm) < 1e-5 * result.norm, "\(name)")
      // Samples stand at even distances.
      let distance = values.count / result.sample.count
      for (index, expected) in result.sample.enumerated() {
        #expect(abs(values[index * distance] - expected) < 1e-5 * largest, "\(name)")
      }
    }
  }

  private static func prompts(_ word: String) -> ContrastPrompts {
    ContrastPrompts(prompts: (0..<16).map { "\(word) \($0)?" }, digest: word)
  }

  private static func model(
    in folder: TemporaryFolder, stack: Bool = false, targets: Targets = .linear
  ) throws -> AttackedModel {
    let place = folder.url.appending(path: "model")
    try TinyModel.write(to: place, seed: 1)
    let checkpoint = try Checkpoint(folder: place)
    var update = LowRankUpdate()
    let name = "model.layers.1.mlp.down_proj.weight"
    let shape = try #require(checkpoint.tensor(named: name)).shape
    update.tensors[name] = LowRankUpdate.Factors(
      left: Matrix(rows: shape[0], columns: 1, elements: (0..<shape[0]).map { Float($0) / 50 }),
      right: Matrix(rows: 1, columns: shape[1], elements: (0..<shape[1]).map { Float($0) / 50 }))
    return AttackedModel(
      checkpoint: checkpoint,
      stack: stack ? [ScaledLowRankUpdate(update, scale: 0.5)] : [], targets: targets)
  }

  /// What is written into the stream has no part along the direction any more, whatever the treatment.
  @Test(arguments: [false, true])
  func nothingIsWrittenAlongTheDirection(isTreated: Bool) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder, stack: isTreated)
    let abliteration = try Abliteration(model, threads: 1)
    let (directions, _) = try abliteration.directions(
      .after(2), harmful: Self.prompts("Break"), harmless: Self.prompts("Bake"))
    let direction = directions.embedding
    let (update, remark) = try abliteration.update(removing: directions)
    #expect(update.tensors.count == 4 && update.rank == 1 && remark == nil)
    for name in update.tensors.keys {
      let shape = try #require(model.checkpoint.tensor(named: name)).shape
      var weight = try model.checkpoint.floats(named: name).map(Double.init)
      var span = weight.mutableSpan
      LowRankSum<Double>(model.stack + [ScaledLowRankUpdate(update, scale: 1)], of: name)
        .add(rows: 0..<shape[0], to: &span)
      for column in 0..<shape[1] {
        let along = (0..<shape[0]).reduce(0) { $0 + direction[$1] * weight[$1 * shape[1] + column] }
        #expect(abs(along) < 1e-5)
      }
    }
  }

  @Test func theEmbeddingIsChangedWhereItIsATargetAndTheTiedHeadIsNamed() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder, targets: .all)
    var notes: [String] = []
    let result = try AbliterationAttack(
      layer: .after(1), harmful: Self.prompts("Break"), harmless: Self.prompts("Bake")
    ).make(from: model, AttackContext(threads: 1, note: { notes.append($0) }))
    #expect(result.lowRank?.update.tensors["model.embed_tokens.weight"] != nil)
    #expect(notes.contains { $0.contains("the head is tied") })
    #expect(result.found?.contains("after 1 blocks") ?? false)
  }

  @Test func theLayerIsChosenAmongThoseBeforeTheDeepest() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let result = try AbliterationAttack(
      harmful: Self.prompts("Break"), harmless: Self.prompts("Bake")
    ).make(from: model, AttackContext(threads: 1))
    // Of two blocks the first alone lies before four fifths of the depth.
    #expect(result.found?.contains("after 1 of 2 blocks, of 1 tried") ?? false)
    let each = try AbliterationAttack(
      layer: .each, harmful: Self.prompts("Break"), harmless: Self.prompts("Bake")
    ).make(from: model, AttackContext(threads: 1))
    #expect(each.lowRank != result.lowRank && each.lowRank?.update.tensors.count == 4)
  }

  @Test func whatCannotBeDoneIsRefused() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(in: folder)
    let deep = AbliterationAttack(
      layer: .after(9), harmful: Self.prompts("a"), harmless: Self.prompts("b"))
    #expect(throws: AttackError.noSuchLayer(attack: "abliterate:9", blocks: 2)) {
      try deep.check(on: model.checkpoint)
    }
    let same = AbliterationAttack(
      layer: .after(1), harmful: Self.prompts("a"), harmless: Self.prompts("a"))
    #expect(throws: AttackError.noDirection(blocks: 1)) {
      _ = try same.make(from: model, AttackContext(threads: 1))
    }
    for text in ["0", "-1", "x", "", "1.5", "ALL"] {
      #expect(throws: AttackError.invalidLayer(found: text)) {
        _ = try AbliterationAttack.Layer(parsing: text)
      }
    }
  }

  @Test func promptsAreRead() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "prompts.jsonl")
    let lines = (0..<9).map { "{\"prompt\": \"a \($0)\"}" }
    try Data(lines.joined(separator: "\n").utf8).write(to: file)
    let read = try ContrastPrompts(file: file)
    #expect(read.measured.count == 7 && read.aside == ["a 7", "a 8"])
    for (text, reason) in [
      (lines.prefix(3).joined(separator: "\n"), "it holds 3 prompts, expected 8 or more"),
      ((lines + ["{\"question\": 1}"]).joined(separator: "\n"), "line 10 has no text named prompt"),
    ] {
      try Data(text.utf8).write(to: file)
      #expect(throws: AttackError.unreadablePrompts(path: file.path, reason: reason)) {
        _ = try ContrastPrompts(file: file)
      }
    }
  }

  /// Undoing changes scales alone: at strength 1 nothing of the defence is left.
  @Test func undoTakesTheTreatmentsOwnUpdate() {
    let stack = [ScaledUpdate(name: "lox-r6", scale: 1.25)]
    #expect(UndoAttack().stack(of: stack) == [])
    #expect(UndoAttack().stack(of: []) == [])
    #expect(
      UndoAttack(strength: 2).stack(of: stack) == [ScaledUpdate(name: "lox-r6", scale: -1.25)])
    #expect(UndoAttack(strength: 2).labels == ["undo:2"])
  }
}
