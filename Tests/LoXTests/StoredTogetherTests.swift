import Checkpoints
import Foundation
import LinearAlgebra
import Support
import TestSupport
import Testing
import TinyModel

@testable import LoX

/// Experts that are stored in one tensor, and a matrix that is both embedding and head.
@Suite struct StoredTogetherTests {
  typealias Tensors = [String: (shape: [Int], values: [Float])]

  static let stacked = "model.layers.0.mlp.experts.gate_up_proj"
  static let (embedding, head) = ("model.embed_tokens.weight", "lm_head.weight")

  static func random(_ shape: [Int], seed: UInt64) -> (shape: [Int], values: [Float]) {
    var generator = SplitMix64(seed: seed)
    return (shape, (0..<shape.reduce(1, *)).map { _ in Float(generator.nextGaussian() * 0.1) })
  }

  static func checkpoint(
    _ tensors: Tensors, in folder: TemporaryFolder, _ name: String, configuration: String = "{}"
  ) throws -> Checkpoint {
    let place = folder.url.appending(path: name)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    try writeSafetensors(tensors, to: place.appending(path: "model.safetensors"))
    try Data(configuration.utf8).write(to: place.appending(path: "config.json"))
    return try Checkpoint(folder: place)
  }

  /// The same experts in one tensor and as tensors of their own.
  static func experts(seed: UInt64) -> (together: Tensors, apart: Tensors) {
    let all = random([3, 6, 5], seed: seed)
    var apart: Tensors = [:]
    for expert in 0..<3 {
      apart["model.layers.0.mlp.experts.\(expert).w.weight"] = (
        [6, 5], Array(all.values[expert * 30..<(expert + 1) * 30])
      )
    }
    return ([stacked: all], apart)
  }

  @Test(arguments: [Rank.leading(2), .full])
  func eachExpertIsDecomposedByItself(rank: Rank) throws {
    let folder = try TemporaryFolder()
    let (old, new) = (Self.experts(seed: 1), Self.experts(seed: 2))
    let together = try AlignmentPair(
      base: Self.checkpoint(old.together, in: folder, "base"),
      aligned: Self.checkpoint(new.together, in: folder, "aligned"), targets: .all)
    let apart = try AlignmentPair(
      base: Self.checkpoint(old.apart, in: folder, "base-apart"),
      aligned: Self.checkpoint(new.apart, in: folder, "aligned-apart"), targets: .all)
    #expect(together.targetNames == (0..<3).map { "\(Self.stacked)[\($0)]" })
    for (pair, name) in [(together, "lox"), (apart, "lox-apart")] {
      try pair.writeExtrapolated(rank: rank, alpha: 1.5, to: folder.url.appending(path: name))
    }
    let result = try Checkpoint(folder: folder.url.appending(path: "lox"))
    let expected = try Checkpoint(folder: folder.url.appending(path: "lox-apart"))
    #expect(
      try result.floats(named: Self.stacked)
        == (0..<3).flatMap {
          try expected.floats(named: "model.layers.0.mlp.experts.\($0).w.weight")
        })
    let spectra = try together.spectra(rank: 1, count: 2)
    #expect(Set(spectra.map(\.shape)) == [[6, 5]] && spectra.count == 3)

    // As an update, merged, and as an adapter that is read back.
    let update = try Decomposition(of: together, rank: .leading(2)).update(rank: .leading(2))
    let merged = folder.url.appending(path: "merged")
    try together.aligned.writeMerged([ScaledWeightUpdate(.lowRank(update), scale: 1.5)], to: merged)
    if rank == .leading(2) {
      let values = try Checkpoint(folder: merged).floats(named: Self.stacked)
      #expect(
        zip(values, try result.floats(named: Self.stacked)).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    let adapter = folder.url.appending(path: "adapter")
    try update.writePEFT(to: adapter, scale: 1.5, naming: together.aligned.naming)
    let read = try LowRankUpdate(peftFolder: adapter, checkpoint: together.aligned)
    #expect(Set(read.tensors.keys) == Set(update.tensors.keys))
    for (name, factors) in update.tensors {
      #expect(read.tensors[name]?.right == factors.right)
      #expect(read.tensors[name]?.left == factors.left.scaled(by: 1.5))
    }
  }

  /// Of an experts' tensor an unchanged matrix keeps its bytes.
  @Test func unchangedExpertsAreCarriedOver() throws {
    let folder = try TemporaryFolder()
    let old = Self.experts(seed: 1).together
    var new = old
    for index in 30..<60 { new[Self.stacked]?.values[index] += 0.5 }
    let pair = try AlignmentPair(
      base: Self.checkpoint(old, in: folder, "base"),
      aligned: Self.checkpoint(new, in: folder, "aligned"), targets: .all)
    let output = folder.url.appending(path: "lox")
    try pair.writeExtrapolated(rank: .leading(1), alpha: 1, to: output)
    let (before, after) = (
      try pair.aligned.floats(named: Self.stacked),
      try Checkpoint(folder: output).floats(named: Self.stacked)
    )
    #expect(before[..<30] == after[..<30] && before[60...] == after[60...])
    #expect(before[30..<60] != after[30..<60])
  }

  struct Storage: Sendable {
    let base: [String]
    let aligned: [String]
  }

  /// Which of the two names each model stores the tied matrix under.
  static let storages = [
    Storage(base: [embedding], aligned: [embedding, head]),
    Storage(base: [embedding, head], aligned: [embedding]),
    Storage(base: [head], aligned: [embedding]),
    Storage(base: [embedding, head], aligned: [head]),
    Storage(base: [embedding, head], aligned: [embedding, head]),
  ]

  @Test(arguments: storages)
  func aTiedMatrixIsEditedOnce(storage: Storage) throws {
    let folder = try TemporaryFolder()
    let (old, new) = (Self.random([7, 5], seed: 3), Self.random([7, 5], seed: 4))
    func checkpoint(
      _ names: [String], _ matrix: (shape: [Int], values: [Float]), _ place: String
    ) throws -> Checkpoint {
      var tensors: Tensors = ["model.norm.weight": ([5], [Float](repeating: 1, count: 5))]
      for name in names { tensors[name] = matrix }
      return try Self.checkpoint(
        tensors, in: folder, place, configuration: #"{"tie_word_embeddings":true}"#)
    }
    let reference = try AlignmentPair(
      base: checkpoint([Self.embedding], old, "b"), aligned: checkpoint([Self.embedding], new, "a"),
      targets: .all)
    let pair = try AlignmentPair(
      base: checkpoint(storage.base, old, "base"),
      aligned: checkpoint(storage.aligned, new, "aligned"), targets: .all)
    #expect(pair.targetNames == [storage.aligned[0]])
    #expect(try pair.spectra(rank: 1, count: 1).count == 1)
    for (pair, name) in [(reference, "expected"), (pair, "lox")] {
      try pair.writeExtrapolated(
        rank: .leading(2), alpha: 1.25, to: folder.url.appending(path: name))
    }
    let expected = try Checkpoint(folder: folder.url.appending(path: "expected"))
      .floats(named: Self.embedding)
    let result = try Checkpoint(folder: folder.url.appending(path: "lox"))
    #expect(result.tensorNames.count == storage.aligned.count + 1)
    for name in storage.aligned { #expect(try result.floats(named: name) == expected) }

    let update = try Decomposition(of: pair, rank: .leading(2)).update(rank: .leading(2))
    let merged = folder.url.appending(path: "merged")
    try pair.aligned.writeMerged([ScaledWeightUpdate(.lowRank(update), scale: 1.25)], to: merged)
    let written = try Checkpoint(folder: merged)
    #expect(written.hasTiedHead)
    let adapter = folder.url.appending(path: "adapter")
    try update.writePEFT(
      to: adapter, tiesHead: pair.aligned.hasTiedHead, naming: pair.aligned.naming)
    #expect(try LowRankUpdate(peftFolder: adapter, checkpoint: pair.aligned) == update)
  }

  /// Two that differ are two matrices, and so are two whose configuration does not tie them.
  @Test(arguments: [
    (#"{"tie_word_embeddings":true}"#, true), (#"{"tie_word_embeddings":false}"#, false),
  ])
  func twoMatricesAreTwo(configuration: String, differ: Bool) throws {
    let folder = try TemporaryFolder()
    func checkpoint(_ seed: UInt64, _ name: String) throws -> Checkpoint {
      try Self.checkpoint(
        [
          Self.embedding: Self.random([7, 5], seed: seed),
          Self.head: Self.random([7, 5], seed: differ ? seed + 10 : seed),
        ], in: folder, name, configuration: configuration)
    }
    let pair = try AlignmentPair(
      base: checkpoint(1, "base"), aligned: checkpoint(2, "aligned"), targets: .all)
    #expect(pair.targetNames == [Self.head, Self.embedding])
    #expect(!pair.aligned.hasTiedHead)
  }
}
