import Checkpoints
import Foundation
import LinearAlgebra
import LoX
import StudyDesign
import TestSupport
import Testing
import TinyModel

@testable import Defences

/// What controls must have in common with LoX, and what not.
@Suite struct ControlTests {
  private static let rank = Rank.leading(3)

  private struct Case {
    let pair: AlignmentPair
    let folder: TemporaryFolder
    let alignment: Decomposition

    init() throws {
      folder = try TemporaryFolder()
      for (name, origin) in [("base", nil), ("aligned", (seed: UInt64(1), scale: 0.1))] {
        try TinyModel.write(
          to: folder.url.appending(path: name), seed: name == "base" ? 1 : 2, from: origin)
      }
      pair = try AlignmentPair(
        base: Checkpoint(folder: folder.url.appending(path: "base")),
        aligned: Checkpoint(folder: folder.url.appending(path: "aligned")), targets: .all)
      alignment = try Decomposition(of: pair, rank: .leading(6))
    }

    func update(_ defence: any Defence) throws -> WeightUpdate {
      try #require(
        try defence.update(
          from: DefenceMaterial(pair: pair, alignment: alignment, identity: "tiny")))
    }

    /// A tensor's change at scale 1.
    func change(_ defence: any Defence, _ name: String) throws -> Matrix<Double> {
      let shape = try #require(pair.aligned.tensor(named: name)?.shape)
      var values = Matrix<Double>(rows: shape[0], columns: shape.count > 1 ? shape[1] : 1)
      let change = try pair.aligned.change(
        of: name, by: [ScaledWeightUpdate(try update(defence), scale: 1)])
      var span = values.elements.mutableSpan
      try change?.addExactly(0..<span.count, to: &span)
      return values
    }
  }

  private static let lox = LoXDefence(rank: rank, strengths: [])

  @Test(
    arguments: [
      RandomControl(rank: rank, seed: 1, strengths: []), TailControl(count: 3, strengths: []),
      FullRankControl(rank: rank, strengths: []), NegativeControl(rank: rank, strengths: []),
      OtherLayerControl(rank: rank, strengths: []),
    ] as [any Defence])
  func everyControlHasLoXsNorm(control: any Defence) throws {
    let tiny = try Case()
    let lox = try tiny.update(Self.lox)
    let names = try tiny.update(control).tensorNames
    // No other layer has an embedding.
    let isByLayer = control is OtherLayerControl
    #expect(names == lox.tensorNames.filter { !isByLayer || $0.contains("layers.") })
    for name in names {
      let (own, expected) = (try tiny.change(control, name), try tiny.change(Self.lox, name))
      expectClose(
        own.squaredFrobeniusNorm.squareRoot(), expected.squaredFrobeniusNorm.squareRoot(),
        tolerance: 1e-5, "\(name)")
    }
  }

  @Test func randomDirectionsHaveLoXsSpectrumAndDependOnTheSeedAlone() throws {
    let tiny = try Case()
    let name = "model.layers.0.self_attn.q_proj.weight"
    func control(_ seed: Int) -> RandomControl {
      RandomControl(rank: Self.rank, seed: seed, strengths: [])
    }
    let first = try tiny.change(control(1), name)
    let spectrum = try first.singularValueDecomposition().singularValues
    let expected = try #require(tiny.alignment.tensors[name]).singularValues.prefix(3)
    expectClose(spectrum, Array(expected), tolerance: 1e-5)
    #expect(try tiny.change(control(1), name) == first)
    let second = try tiny.change(control(2), name)
    let overlap = zip(first.elements, second.elements).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(overlap) < 0.5 * first.squaredFrobeniusNorm)
  }

  @Test func theTailIsOrthogonalToTheHead() throws {
    let tiny = try Case()
    for name in try tiny.update(Self.lox).tensorNames {
      let tail = try tiny.change(TailControl(count: 3, strengths: []), name)
      let head = try tiny.change(Self.lox, name)
      let overlap = zip(head.elements, tail.elements).reduce(0) { $0 + $1.0 * $1.1 }
      expectClose(overlap, 0, tolerance: 1e-5, "\(name)")
    }
  }

  @Test func theNegativeIsLoXTurnedRound() throws {
    let tiny = try Case()
    let name = "model.layers.1.mlp.up_proj.weight"
    let negative = try tiny.change(NegativeControl(rank: Self.rank, strengths: []), name)
    expectClose(
      negative.elements, try tiny.change(Self.lox, name).elements.map { -$0 }, tolerance: 1e-7)
  }

  @Test func anotherLayersDirectionsAreThose() throws {
    let tiny = try Case()
    let control = OtherLayerControl(rank: Self.rank, strengths: [])
    let moved = try tiny.change(control, "model.layers.0.mlp.up_proj.weight")
    let source = try tiny.change(Self.lox, "model.layers.1.mlp.up_proj.weight")
    let scale = (moved.squaredFrobeniusNorm / source.squaredFrobeniusNorm).squareRoot()
    expectClose(moved.elements, source.elements.map { $0 * scale }, tolerance: 1e-5)
  }

  @Test func extrapolatingEverythingChangesVectorsToo() throws {
    let tiny = try Case()
    let names = try tiny.update(ExPODefence()).tensorNames
    #expect(names == tiny.pair.aligned.tensorNames)
    let name = "model.layers.0.mlp.up_proj.weight"
    #expect(try tiny.change(ExPODefence(), name) == tiny.pair.difference(of: name))
  }

  @Test func controlsComeWithEachLoX() throws {
    let defaults = DefenceKind.Defaults(ranks: [.leading(3), .full], strengths: [0, 1])
    let arms = try DefenceKind.parse("lox", with: true, defaults).map(\.label)
    // A tail is of a number of directions.
    #expect(
      Set(arms) == [
        "lox-r3", "lox-rfull", "random-r3-s1", "random-r3-s2", "random-r3-s3", "random-rfull-s1",
        "random-rfull-s2", "random-rfull-s3", "tail-r3", "full-r3", "full-rfull", "other-layer-r3",
        "other-layer-rfull", "negative-r3", "negative-rfull",
      ])
    #expect(try DefenceKind.parse("expo", with: true, defaults).map(\.label) == ["expo"])
  }
}
