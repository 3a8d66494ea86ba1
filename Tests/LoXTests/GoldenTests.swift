import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing
import TinyModel

@testable import LoX

/// Golden/lox.json, which Golden/make_golden.py computed with numpy in float64.
struct LoXGolden: Decodable, Sendable {
  struct Extrapolation: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var shape: [Int]
    /// nil is full rank.
    var rank: Int?
    var alpha: Double
    var base: [Float]
    var aligned: [Float]
    var singularValues: [Double]
    var frobenius: Double
    var energy: Double
    var alignmentRatio: Double
    var result: [Double]

    enum CodingKeys: String, CodingKey {
      case name, shape, rank, alpha, base, aligned, frobenius, energy, result
      case singularValues = "singular_values"
      case alignmentRatio = "R_align"
    }

    var testDescription: String { name }
  }

  struct Merge: Decodable, Sendable {
    struct Layer: Decodable, Sendable {
      var rank: Int
      var scale: Double
      var left: [Float]
      var right: [Float]
    }
    var shape: [Int]
    var weight: [Float]
    var stack: [Layer]
    var result: [Double]
  }

  var extrapolations: [Extrapolation]
  var merge: Merge

  static func read() throws -> LoXGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/lox.json")
    return try JSONDecoder().decode(LoXGolden.self, from: Data(contentsOf: file))
  }
}

/// The arithmetic against numpy's, from nothing but this checkout.
@Suite struct GoldenTests {
  static func checkpoint(
    _ name: String, _ values: [Float], _ shape: [Int], at folder: URL
  ) throws -> Checkpoint {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try writeSafetensors([name: (shape, values)], to: folder.appending(path: "model.safetensors"))
    return try Checkpoint(folder: folder)
  }

  static func pair(
    _ golden: LoXGolden.Extrapolation, in folder: TemporaryFolder
  ) throws -> AlignmentPair {
    try AlignmentPair(
      base: checkpoint(
        golden.name, golden.base, golden.shape, at: folder.url.appending(path: "base")),
      aligned: checkpoint(
        golden.name, golden.aligned, golden.shape, at: folder.url.appending(path: "aligned")),
      targets: .all)
  }

  /// Each number to half a unit in its own last place; what cancels to near nothing, in that of 1.
  static func expectRounded(_ found: [Float], _ expected: [Double]) {
    expectClose(
      zip(found, expected).map { Double($0) / max(abs($1), 1) } + [Double(found.count)],
      expected.map { $0 / max(abs($0), 1) } + [Double(expected.count)],
      tolerance: Tolerance.roundedToFloat32)
  }

  @Test func extrapolationsAgree() throws {
    let golden = try LoXGolden.read()
    #expect(golden.extrapolations.count == 4)
    for value in golden.extrapolations {
      let folder = try TemporaryFolder()
      let pair = try Self.pair(value, in: folder)
      let output = folder.url.appending(path: "lox")
      let rank = value.rank.map { Rank.leading($0) } ?? .full
      try pair.writeExtrapolated(rank: rank, alpha: value.alpha, to: output)
      Self.expectRounded(
        try Checkpoint(folder: output).floats(named: value.name), value.result)
    }
  }

  @Test func spectraAgree() throws {
    for value in try LoXGolden.read().extrapolations {
      let folder = try TemporaryFolder()
      let found = try Self.pair(value, in: folder).spectrum(
        of: value.name, rank: value.rank ?? value.singularValues.count,
        count: value.singularValues.count)
      expectRelativelyClose(
        found.singularValues, value.singularValues, tolerance: 1e-9, "\(value.name)")
      expectRelativelyClose(
        [found.frobeniusNorm, found.energy, found.alignmentRatio],
        [value.frobenius, value.energy, value.alignmentRatio], tolerance: 1e-12, "\(value.name)")
    }
  }

  /// The adapter that `extrapolate --as adapter` writes is the same change.
  @Test func updatesAgree() throws {
    for value in try LoXGolden.read().extrapolations {
      let folder = try TemporaryFolder()
      let rank = value.rank.map { Rank.leading($0) } ?? .full
      let update = try Decomposition(of: Self.pair(value, in: folder), rank: rank)
        .update(rank: rank)
      var values = value.aligned.map(Double.init)
      var span = values.mutableSpan
      LowRankSum([ScaledLowRankUpdate(update, scale: value.alpha)], of: value.name)
        .add(rows: 0..<value.shape[0], to: &span)
      // Its factors are rounded to float32.
      expectClose(values, value.result, tolerance: 1e-6, "\(value.name)")
    }
  }

  @Test func mergingAgrees() throws {
    let golden = try LoXGolden.read().merge
    let folder = try TemporaryFolder()
    let (rows, columns) = (golden.shape[0], golden.shape[1])
    let stack = golden.stack.map { layer in
      ScaledLowRankUpdate(
        LowRankUpdate(tensors: [
          "w.weight": LowRankUpdate.Factors(
            left: Matrix(rows: rows, columns: layer.rank, elements: layer.left),
            right: Matrix(rows: layer.rank, columns: columns, elements: layer.right))
        ]), scale: layer.scale)
    }
    let checkpoint = try Self.checkpoint(
      "w.weight", golden.weight, golden.shape, at: folder.url.appending(path: "model"))
    let output = folder.url.appending(path: "merged")
    try checkpoint.writeMerged(stack.map(ScaledWeightUpdate.init), to: output)
    Self.expectRounded(
      try Checkpoint(folder: output).floats(named: "w.weight"), golden.result)

    // As one update of the ranks' sum, of which only the scaled factors are rounded.
    let joined = LowRankUpdate(stack: stack)
    #expect(joined.rank == golden.stack.reduce(0) { $0 + $1.rank })
    var values = golden.weight.map(Double.init)
    var span = values.mutableSpan
    LowRankSum([ScaledLowRankUpdate(joined, scale: 1)], of: "w.weight")
      .add(rows: 0..<rows, to: &span)
    expectClose(values, golden.result, tolerance: 1e-6)
  }

  /// Piece by piece, and in float32, the sum is the same.
  @Test func rowsAreSummedApart() throws {
    let golden = try LoXGolden.read().merge
    let (rows, columns) = (golden.shape[0], golden.shape[1])
    let sum = LowRankSum<Float>(
      golden.stack.map { layer in
        .init(
          left: Matrix(rows: rows, columns: layer.rank, elements: layer.left),
          right: Matrix(rows: layer.rank, columns: columns, elements: layer.right),
          scale: Float(layer.scale))
      })
    var found: [Float] = []
    for range in [0..<2, 2..<rows] {
      var piece = Array(golden.weight[range.lowerBound * columns..<range.upperBound * columns])
      var span = piece.mutableSpan
      sum.add(rows: range, to: &span)
      found += piece
    }
    expectClose(found, golden.result.map { Float($0) }, tolerance: 1e-5)
  }
}
