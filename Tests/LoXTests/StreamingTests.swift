import Foundation
import LinearAlgebra
import Synchronization
import TestSupport
import Testing
import TinyModel

@testable import Checkpoints
@testable import LoX
@testable import Support

/// Pairs that differ in more than their values, and work that is interrupted.
@Suite struct StreamingTests {
  typealias Tensors = [String: (shape: [Int], values: [Float])]

  static func tensors(_ shapes: [String: [Int]], seed: UInt64, near old: Tensors = [:]) -> Tensors {
    var generator = SplitMix64(seed: seed)
    return Dictionary(
      uniqueKeysWithValues: shapes.sorted { $0.key < $1.key }.map { name, shape in
        let count = shape.reduce(1, *)
        let before = old[name]?.values ?? []
        let values = (0..<count).map { index in
          (index < before.count ? before[index] : 0) + Float(generator.nextGaussian() * 0.02)
        }
        return (name, (shape: shape, values: values))
      })
  }

  static func checkpoint(
    _ tensors: Tensors, _ type: ElementType, in folder: TemporaryFolder, _ name: String,
    shards: Int = 1
  ) throws -> Checkpoint {
    let target = folder.url.appending(path: name)
    let names = tensors.keys.sorted()
    let declarations = (0..<shards).map { shard in
      CheckpointWriter.ShardDeclaration(
        fileName: shards == 1 ? "model.safetensors" : "model-\(shard).safetensors",
        tensors: names.enumerated().filter { $0.offset % shards == shard }.map { _, name in
          TensorDeclaration(
            name: name, dtype: DataType(type), shape: tensors[name]?.shape ?? [])
        })
    }
    let writer = try CheckpointWriter(to: target, shards: declarations)
    for (name, tensor) in tensors { try writer.write(tensor.values, of: name) }
    try writer.finish()
    return try Checkpoint(folder: target)
  }

  static let shapes = [
    "model.embed_tokens.weight": [60, 20], "model.layers.0.mlp.up_proj.weight": [150, 110],
    "model.layers.0.mlp.down_proj.weight": [110, 150], "model.norm.weight": [20],
  ]

  /// Other element types and other shards on either side, and tokens that were added.
  @Test(
    arguments: [
      (ElementType.float32, ElementType.bfloat16), (.bfloat16, .float16), (.float16, .float32),
    ])
  func unlikePairs(old: ElementType, new: ElementType) throws {
    let folder = try TemporaryFolder()
    let before = Self.tensors(Self.shapes, seed: 1)
    var shapes = Self.shapes
    shapes["model.embed_tokens.weight"] = [64, 20]
    let base = try Self.checkpoint(before, old, in: folder, "base", shards: 3)
    let aligned = try Self.checkpoint(
      Self.tensors(shapes, seed: 2, near: before), new, in: folder, "aligned", shards: 2)
    let pair = try AlignmentPair(base: base, aligned: aligned, targets: .all)
    #expect(pair.grownVocabularies.map(\.base) == [60])
    #expect(pair.grownVocabularies.map(\.aligned) == [64])
    let output = folder.url.appending(path: "lox")
    var options = ExtrapolationOptions()
    (options.threads, options.memory) = (3, 1)
    try pair.writeExtrapolated(rank: .leading(3), alpha: 1.5, options: options, to: output)
    let result = try Checkpoint(folder: output)
    #expect(result.shards.map(\.fileName) == aligned.shards.map(\.fileName))
    let update = try Decomposition(of: pair, rank: .leading(3)).update(rank: .leading(3))
    for name in pair.targetNames {
      #expect(result.tensor(named: name)?.dtype == aligned.tensor(named: name)?.dtype)
      let factors = try #require(update.tensors[name])
      #expect(factors.shape == aligned.tensor(named: name)?.shape)
      let change = Matrix<Double>(factors.left).multiplied(by: Matrix<Double>(factors.right))
      let (found, start) = (
        try result.floats(named: name), try aligned.floats(named: name)
      )
      let unit = new == .bfloat16 ? 0.0079 : new == .float16 ? 0.00098 : 1e-5
      #expect(found.count == change.elements.count)
      for index in found.indices {
        let expected = Double(start[index]) + 1.5 * change.elements[index]
        #expect(abs(Double(found[index]) - expected) <= 0.51 * unit * max(abs(expected), 1e-3))
      }
      // Rows of added tokens are left as they are.
      if name == "model.embed_tokens.weight" { #expect(found.suffix(80) == start.suffix(80)) }
    }
  }

  /// Targets that the alignment did not change keep their bytes, and have no factors.
  @Test func unchangedTensorsAreCopied() throws {
    let folder = try TemporaryFolder()
    let before = Self.tensors(Self.shapes, seed: 1)
    var after = Self.tensors(Self.shapes, seed: 2, near: before)
    let name = "model.layers.0.mlp.up_proj.weight"
    after[name] = before[name]
    after[name]?.values[5] = -0.0
    var old = before
    old[name]?.values[5] = -0.0
    let pair = try AlignmentPair(
      base: Self.checkpoint(old, .bfloat16, in: folder, "base"),
      aligned: Self.checkpoint(after, .bfloat16, in: folder, "aligned"), targets: .all)
    for rank in [Rank.leading(2), .full] {
      let output = folder.url.appending(path: "lox-\(rank)")
      try pair.writeExtrapolated(rank: rank, alpha: 1, to: output)
      let result = try Checkpoint(folder: output)
      let file = "model.safetensors"
      let range = try #require(result.tensor(named: name)).byteRange
      let same =
        try Data(contentsOf: output.appending(path: file))[range]
        == Data(contentsOf: pair.aligned.folder.appending(path: file))[range]
      #expect(same)
    }
    #expect(try Decomposition(of: pair, rank: .leading(2)).update(rank: .full).tensors[name] == nil)
  }

  @Test func pairsThatDoNotFitAreRefusedByName() throws {
    let folder = try TemporaryFolder()
    let base = try Self.checkpoint(Self.tensors(Self.shapes, seed: 1), .float32, in: folder, "base")
    func pair(_ shapes: [String: [Int]], targets: Targets = .all) throws -> AlignmentPair {
      let other = try TemporaryFolder()
      return try AlignmentPair(
        base: base,
        aligned: Self.checkpoint(Self.tensors(shapes, seed: 2), .float32, in: other, "aligned"),
        targets: targets)
    }
    let convolution = "model.layers.0.conv1d.up_proj"
    var shapes = Self.shapes
    shapes[convolution] = [2, 4, 6]
    #expect(throws: LoXError.tooManyDimensions(name: convolution, shape: [2, 4, 6])) {
      _ = try pair(shapes)
    }
    // What is no target is carried over, whatever it is.
    #expect(try pair(shapes, targets: .matching("down")).targetNames.count == 1)
    shapes = Self.shapes
    shapes["extra.weight"] = [3, 3]
    #expect(
      throws: LoXError.missingFromBase(name: "extra.weight", folder: base.folder.path)
    ) { _ = try pair(shapes) }
    shapes = Self.shapes
    shapes["model.layers.0.mlp.up_proj.weight"] = [151, 110]
    #expect(
      throws: LoXError.shapeMismatch(
        name: "model.layers.0.mlp.up_proj.weight", base: [150, 110], aligned: [151, 110])
    ) { _ = try pair(shapes) }
  }

  @Test func numbersThatAreNoneNameTheirTensor() throws {
    let folder = try TemporaryFolder()
    let before = Self.tensors(Self.shapes, seed: 1)
    var after = Self.tensors(Self.shapes, seed: 2, near: before)
    after["model.layers.0.mlp.up_proj.weight"]?.values[115] = .nan
    let pair = try AlignmentPair(
      base: Self.checkpoint(before, .bfloat16, in: folder, "base"),
      aligned: Self.checkpoint(after, .bfloat16, in: folder, "aligned"), targets: .all)
    let output = folder.url.appending(path: "lox")
    #expect(
      throws: LoXError.decomposition(
        name: "model.layers.0.mlp.up_proj.weight",
        reason: "expected finite numbers, found nan at row 1, column 5")
    ) { try pair.writeExtrapolated(rank: .leading(3), alpha: 1, to: output) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 2)
  }

  struct Stopped: Error {}

  /// What stands of a checkpoint after some tensors is gone on with, and only by the same command.
  @Test func unfinishedWorkIsContinued() throws {
    let folder = try TemporaryFolder()
    let before = Self.tensors(Self.shapes, seed: 1)
    let pair = try AlignmentPair(
      base: Self.checkpoint(before, .bfloat16, in: folder, "base"),
      aligned: Self.checkpoint(
        Self.tensors(Self.shapes, seed: 2, near: before), .bfloat16, in: folder, "aligned",
        shards: 2), targets: .all)
    let (whole, output) = (
      folder.url.appending(path: "whole"), folder.url.appending(path: "lox")
    )
    try pair.writeExtrapolated(rank: .leading(3), alpha: 1.5, to: whole)
    let unfinished = folder.url.appending(path: "lox.partial-unfinished")
    let kept = folder.url.appending(path: "kept")
    // A process that is killed cannot clean up; this one's work is put aside before it does. While it
    // works, no other may write there.
    #expect(throws: Stopped.self) {
      try pair.writeExtrapolated(rank: .leading(3), alpha: 1.5, to: output) { done, _ in
        guard done == 2 else { return }
        #expect(throws: CheckpointError.fileSystem(.outputInUse(path: output.path))) {
          try pair.writeExtrapolated(rank: .leading(3), alpha: 1.5, to: output)
        }
        try FileManager.default.copyItem(at: unfinished, to: kept)
        throw Stopped()
      }
    }
    #expect(!FileManager.default.fileExists(atPath: output.path))
    #expect(!FileManager.default.fileExists(atPath: unfinished.path))
    try FileManager.default.moveItem(at: kept, to: unfinished)
    #expect(throws: CheckpointError.self) { _ = try Checkpoint(folder: output) }

    var options = ExtrapolationOptions()
    options.resumes = true
    #expect(
      throws: CheckpointError.fileSystem(.unfinishedDiffers(path: unfinished.path))
    ) {
      try pair.writeExtrapolated(rank: .leading(3), alpha: 1, options: options, to: output)
    }
    let reports = Reports()
    try pair.writeExtrapolated(rank: .leading(3), alpha: 1.5, options: options, to: output) {
      done, _ in reports.counts.withLock { $0.append(done) }
    }
    // Other threads may have finished a tensor, or two, that was not counted yet when the work was put aside.
    let counts = reports.counts.withLock { $0 }
    #expect(counts == [3, 4].suffix(counts.count))
    #expect(try Checkpoint(folder: output).digest() == Checkpoint(folder: whole).digest())
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: output.path).sorted()
        == FileManager.default.contentsOfDirectory(atPath: whole.path).sorted())
  }

  private final class Reports: Sendable {
    let counts = Mutex<[Int]>([])
  }

  @Test func autoTakesTheFewestDirectionsThatHoldTheShare() throws {
    func kept(_ values: [Double], _ rank: Rank) throws -> Int {
      var diagonal = Matrix<Double>(rows: values.count, columns: values.count)
      for (index, value) in values.enumerated() { diagonal[index, index] = value }
      return rank.kept(of: try diagonal.singularValueDecomposition())
    }
    let auto = try Rank(parsing: "auto")
    #expect(try kept([3, 1, 1], auto) == 1)
    #expect(try kept([1, 1, 1, 1], auto) == 2)
    #expect(try kept([1, 1, 1, 1], Rank(parsing: "auto:0.75")) == 3)
    #expect(try kept([Double](repeating: 1, count: 100), auto) == Rank.mostOfAuto)
    #expect(try kept([], auto) == 0)
    #expect("\(auto) \(try Rank(parsing: "auto:0.3"))" == "auto auto:0.3")
    for text in ["auto:0", "auto:1.1", "auto:", "auto:x"] {
      #expect(throws: LoXError.invalidRank(text)) { _ = try Rank(parsing: text) }
    }
  }
}
