import Checkpoints
import Foundation
import LinearAlgebra
import LoX
import StudyDesign
import Support
import TestSupport
import Testing
import TinyModel

@testable import Attacks

@Suite struct SyntheticAttackTests {
  static func model(in folder: TemporaryFolder) throws -> AttackedModel {
    var generator = SplitMix64(seed: 2)
    for name in ["base", "aligned"] {
      let values = (0..<30 * 20).map { _ in Float(generator.nextGaussian()) }
      try FileManager.default.createDirectory(
        at: folder.url.appending(path: name), withIntermediateDirectories: true)
      try writeSafetensors(
        ["w.weight": ([30, 20], values)],
        to: folder.url.appending(path: "\(name)/model.safetensors"))
    }
    let pair = try AlignmentPair(
      base: Checkpoint(folder: folder.url.appending(path: "base")),
      aligned: Checkpoint(folder: folder.url.appending(path: "aligned")), targets: .all)
    return AttackedModel(
      checkpoint: pair.aligned, alignment: try Decomposition(of: pair, rank: .leading(6)))
  }

  static func change(_ update: LowRankUpdate) throws -> Matrix<Double> {
    let factors = try #require(update.tensors["w.weight"])
    return Matrix<Double>(factors.left).multiplied(by: Matrix<Double>(factors.right))
  }

  static func inner(_ a: Matrix<Double>, _ b: Matrix<Double>) -> Double {
    precondition((a.rows, a.columns) == (b.rows, b.columns))
    return zip(a.elements, b.elements).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func update(
    of attack: SyntheticAttack, on model: AttackedModel
  ) throws -> LowRankUpdate {
    try #require(try attack.make(from: model, AttackContext(threads: 1)).lowRank).update
  }

  @Test(arguments: [1.0, 2.5])
  func harmfulMovesAgainstTheAlignment(strength: Double) throws {
    let model = try Self.model(in: try TemporaryFolder())
    let alignment = try Self.change(try #require(model.alignment).update(rank: .leading(6)))
    let change = try Self.change(
      Self.update(
        of: SyntheticAttack(kind: .harmful, strength: strength, seed: 1), on: model))
    let norms = (alignment.squaredFrobeniusNorm * change.squaredFrobeniusNorm).squareRoot()
    let cosine = Self.inner(alignment, change) / norms
    #expect(abs(cosine + 0.75.squareRoot()) < 0.1)
    let ratio = (change.squaredFrobeniusNorm / alignment.squaredFrobeniusNorm).squareRoot()
    #expect(abs(ratio / strength - 1) < 0.1)
  }

  @Test func benignIsAsLargeAndUnrelated() throws {
    let model = try Self.model(in: try TemporaryFolder())
    let alignment = try Self.change(try #require(model.alignment).update(rank: .leading(6)))
    let change = try Self.change(
      Self.update(of: SyntheticAttack(kind: .benign, seed: 1), on: model))
    #expect(
      abs(change.squaredFrobeniusNorm / alignment.squaredFrobeniusNorm - 1) < 1e-5)
    let cosine = Self.inner(alignment, change) / alignment.squaredFrobeniusNorm
    #expect(abs(cosine) < 0.2)
  }

  @Test(arguments: [SyntheticAttack.Kind.harmful, .benign])
  func equalSeedsGiveEqualUpdates(kind: SyntheticAttack.Kind) throws {
    let model = try Self.model(in: try TemporaryFolder())
    func update(_ seed: UInt64) throws -> LowRankUpdate {
      try Self.update(of: SyntheticAttack(kind: kind, seed: seed), on: model)
    }
    let first = try update(7)
    #expect(try update(7) == first)
    #expect(try update(8) != first)
    #expect(first.rank == 6)
  }

  static let specification = AttackSpecification(seed: 3) { URL(filePath: "/nowhere/\($0)") }

  @Test func specificationsAreParsed() throws {
    let attacks = try Self.specification.parse(
      "none, synthetic-harmful:2,synthetic-benign")
    #expect(attacks.map(\.name) == ["synthetic-harmful:2", "synthetic-benign"])
    #expect(attacks.allSatisfy { $0.method == .synthetic })
  }

  @Test(arguments: [
    ("gsm9k", AttackError.unknown("gsm9k")), ("", .unknown("")),
    ("import:", .missingFolder("import:")), ("train:", .missingFolder("train:")),
    ("synthetic-harmful:x", .invalidStrength(attack: "synthetic-harmful:x", found: "x")),
    ("synthetic-benign:-1", .invalidStrength(attack: "synthetic-benign:-1", found: "-1")),
    (
      "import:runs/nowhere",
      .missingAdapter(
        path: URL(filePath: "runs/nowhere").path, reason: "found no adapter_config.json")
    ),
  ])
  func badSpecificationsAreRefused(text: String, expected: AttackError) {
    #expect(throws: expected) { _ = try Self.specification.parse(text) }
  }
}
