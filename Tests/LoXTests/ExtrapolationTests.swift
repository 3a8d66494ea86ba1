import Checkpoints
import Foundation
import LinearAlgebra
import Support
import TestSupport
import Testing
import TinyModel

@testable import LoX

@Suite struct ExtrapolationTests {
  static let names = [
    "model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.norm.weight",
  ]
  static let shapes = [[40, 12], [24, 12], [12]]

  static func random(_ count: Int, _ generator: inout SplitMix64, scale: Double) -> [Float] {
    (0..<count).map { _ in Float(generator.nextGaussian() * scale) }
  }

  /// A random base model, and an aligned one a little away from it, in one element type.
  static func pair(
    _ type: ElementType, in folder: TemporaryFolder, targets: Targets = .all
  ) throws -> AlignmentPair {
    var generator = SplitMix64(seed: 21)
    for name in ["base", "aligned"] {
      var values: [String: [Float]] = [:]
      var plain: [String: (shape: [Int], values: [Float])] = [:]
      for (tensor, shape) in zip(names, shapes) {
        let count = shape.reduce(1, *)
        values[tensor] = random(count, &generator, scale: 0.05)
        plain[tensor] = (shape, values[tensor] ?? [])
      }
      let source = folder.url.appending(path: "\(name)-float32")
      try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
      try writeSafetensors(plain, to: source.appending(path: "model.safetensors"))
      try folder.write(narrowed(plain, type), "\(name)/model.safetensors")
      try folder.write("{}", "\(name)/config.json")
    }
    return try AlignmentPair(
      base: Checkpoint(folder: folder.url.appending(path: "base")),
      aligned: Checkpoint(folder: folder.url.appending(path: "aligned")), targets: targets)
  }

  /// A safetensors file of one element type, written by hand.
  static func narrowed(
    _ tensors: [String: (shape: [Int], values: [Float])], _ type: ElementType
  ) -> Data {
    var header: [String: Any] = [:]
    var data = Data()
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let bytes = type.narrow(tensor.values)
      header[name] = [
        "dtype": type.rawValue, "shape": tensor.shape,
        "data_offsets": [data.count, data.count + bytes.count],
      ]
      data += bytes
    }
    let json = (try? JSONSerialization.data(withJSONObject: header)) ?? Data()
    let length = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }
    return Data(length) + json + data
  }

  /// The distance of two neighbouring values of the type at `value`.
  static func unitInTheLastPlace(_ value: Double, _ type: ElementType) -> Double {
    let (bits, least): (Int, Int) =
      switch type {
      case .bfloat16: (8, -126)
      case .float16: (11, -14)
      default: (24, -126)
      }
    let exponent = value == 0 ? least : max(Int(value.exponent), least)
    return Double(sign: .plus, exponent: exponent - bits + 1, significand: 1)
  }

  @Test(arguments: [ElementType.float32, .float16, .bfloat16], [Rank.leading(3), .full])
  func agreesWithTheFormulaToHalfAUnit(type: ElementType, rank: Rank) throws {
    let folder = try TemporaryFolder()
    let pair = try Self.pair(type, in: folder)
    let output = folder.url.appending(path: "lox")
    try pair.writeExtrapolated(rank: rank, alpha: 1.25, to: output)
    let result = try Checkpoint(folder: output)
    #expect(result.tensorNames == pair.aligned.tensorNames)
    for name in pair.targetNames {
      let difference = try pair.difference(of: name)
      let svd = try difference.singularValueDecomposition()
      let k = rank == .full ? svd.rank : 3
      let change = svd.scaledLeft(rank: k).multiplied(by: svd.truncated(to: k).right)
      let aligned = try pair.aligned.floats(named: name)
      let found = try result.floats(named: name)
      #expect(found.count == change.elements.count)
      for index in found.indices {
        let expected = Double(aligned[index]) + 1.25 * change.elements[index]
        let unit = Self.unitInTheLastPlace(expected, type)
        #expect(abs(Double(found[index]) - expected) <= 0.5001 * unit)
      }
    }
    // What is not a target is copied byte for byte.
    #expect(
      try result.floats(named: "model.norm.weight")
        == pair.aligned.floats(named: "model.norm.weight"))
    #expect(FileManager.default.fileExists(atPath: output.appending(path: "config.json").path))
    #expect(throws: CheckpointError.self) {
      try pair.writeExtrapolated(rank: rank, alpha: 1.25, to: output)
    }
  }

  @Test func targetsChooseTensors() throws {
    let folder = try TemporaryFolder()
    #expect(try Self.pair(.float32, in: folder).targetNames == Array(Self.names.prefix(2)))
    #expect(
      try Self.pair(.float32, in: folder, targets: .linear).targetNames == [Self.names[1]])
    #expect(
      try Self.pair(.float32, in: folder, targets: .matching("embed")).targetNames
        == [Self.names[0]])
    #expect(throws: LoXError.noTargets(targets: "nothing")) {
      _ = try Self.pair(.float32, in: folder, targets: .matching("nothing"))
    }
  }

  @Test func oneDecompositionServesEveryRank() throws {
    let folder = try TemporaryFolder()
    let pair = try Self.pair(.float32, in: folder)
    let large = try Decomposition(of: pair, rank: .leading(6))
    let small = try Decomposition(of: pair, rank: .leading(2))
    let (sliced, direct) = (large.update(rank: .leading(2)), small.update(rank: .leading(2)))
    for name in pair.targetNames {
      let a = try #require(sliced.tensors[name])
      let b = try #require(direct.tensors[name])
      #expect(a.rank == 2)
      expectClose(a.left.elements, b.left.elements, tolerance: 1e-6)
      expectClose(a.right.elements, b.right.elements, tolerance: 1e-6)
    }
  }

  @Test func modelsThatAreNoPairAreRefused() throws {
    let folder = try TemporaryFolder()
    _ = try Self.pair(.float32, in: folder)
    try folder.write(
      Self.narrowed(["model.embed_tokens.weight": ([3, 2], [1, 2, 3, 4, 5, 6])], .float32),
      "base/model.safetensors")
    #expect(
      throws: LoXError.shapeMismatch(
        name: "model.embed_tokens.weight", base: [3, 2], aligned: [40, 12])
    ) {
      _ = try AlignmentPair(
        base: Checkpoint(folder: folder.url.appending(path: "base")),
        aligned: Checkpoint(folder: folder.url.appending(path: "aligned")), targets: .all)
    }
  }

  @Test(arguments: ["0", "-1", "six", "", "1.5"]) func badRanksAreRefused(text: String) {
    #expect(throws: LoXError.invalidRank(text)) { _ = try Rank(parsing: text) }
  }
}
