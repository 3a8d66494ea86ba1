import Foundation
import Support
import TestSupport
import Testing

@testable import Checkpoints

/// What rounding to the element types of a checkpoint leaves of a change.
@Suite struct RoundingTests {
  private static let shape = [240, 300]

  /// One matrix of numbers that bfloat16 has.
  private static func checkpoint(in folder: TemporaryFolder) throws -> Checkpoint {
    var generator = SplitMix64(seed: 1)
    let values = (0..<shape.reduce(1, *)).map { _ in Float(generator.nextGaussian() * 0.1) }
    let place = folder.url.appending(path: "m")
    let writer = try CheckpointWriter(
      to: place,
      shards: [
        CheckpointWriter.ShardDeclaration(
          tensors: [TensorDeclaration(name: "w", dtype: .bfloat16, shape: shape)])
      ], additionalFiles: ["config.json": Data("{}".utf8)])
    try writer.write(values, of: "w")
    try writer.finish()
    return try Checkpoint(folder: place)
  }

  private static func change(of size: Double) -> [ScaledWeightUpdate] {
    var generator = SplitMix64(seed: 2)
    let values = (0..<shape.reduce(1, *)).map { _ in generator.nextGaussian() * size }
    let update = DenseUpdate(
      identity: "\(size)", tensors: ["w": [.computed(scale: 1, values: { values })]])
    return [ScaledWeightUpdate(.dense(update), scale: 1)]
  }

  @Test(arguments: [(1e-5, 0.0...0.3), (1e-4, 0.3...0.9), (1e-2, 0.99...1.01)])
  func itTakesBackSmallChanges(size: Double, share: ClosedRange<Double>) throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Self.checkpoint(in: folder)
    let stack = Self.change(of: size)
    var options = RewritingOptions()
    let tally = RoundingTally()
    options.rounding = tally
    let output = folder.url.appending(path: "rounded")
    try checkpoint.writeMerged(stack, to: output, options: options)
    let before = try checkpoint.floats(named: "w")
    let rounded = try Checkpoint(folder: output).floats(named: "w")

    options.widensChanged = true
    let untold = RoundingTally()
    options.rounding = untold
    let wide = folder.url.appending(path: "wide")
    try checkpoint.writeMerged(stack, to: wide, options: options)
    let whole = try Checkpoint(folder: wide)
    #expect(whole.tensor(named: "w")?.dtype == .float32 && untold.kept == nil)
    let after = try whole.floats(named: "w")
    let term = try #require(try checkpoint.change(of: "w", by: stack))
    var exact = before
    var span = exact.mutableSpan
    try term.add(0..<before.count, to: &span)
    #expect(after == exact)

    // Over all values what the tally finds on some of them.
    var (along, squares) = (0.0, 0.0)
    for index in before.indices {
      let change = Double(after[index]) - Double(before[index])
      along += change * (Double(rounded[index]) - Double(before[index]))
      squares += change * change
    }
    let kept = try #require(tally.kept)
    #expect(share.contains(kept), "\(kept)")
    #expect(abs(kept - along / squares) < 0.1, "\(kept) for \(along / squares)")
  }

  /// The share is that of all tensors, whichever process wrote them.
  @Test func whoGoesOnKnowsWhatTheFirstLost() throws {
    struct Killed: Error {}
    let folder = try TemporaryFolder()
    let first = try Self.checkpoint(in: folder)
    let values = try first.floats(named: "w")
    let writer = try CheckpointWriter(
      to: folder.url.appending(path: "two"),
      shards: [
        CheckpointWriter.ShardDeclaration(
          tensors: ["v", "w"].map {
            TensorDeclaration(name: $0, dtype: .bfloat16, shape: Self.shape)
          })
      ], additionalFiles: ["config.json": Data("{}".utf8)])
    for name in ["v", "w"] { try writer.write(values, of: name) }
    try writer.finish()
    let checkpoint = try Checkpoint(folder: folder.url.appending(path: "two"))
    // Of one tensor nearly all is kept, of the other little.
    let tensors = ["v": 1e-2, "w": 1e-5].mapValues { size -> [DenseUpdate.Term] in
      var generator = SplitMix64(seed: 2)
      let change = values.map { _ in generator.nextGaussian() * size }
      return [.computed(scale: 1, values: { change })]
    }
    let stack = [
      ScaledWeightUpdate(.dense(DenseUpdate(identity: "two", tensors: tensors)), scale: 1)
    ]
    let place = folder.url.appending(path: "out")
    let partial = folder.url.appending(path: "out.partial-unfinished")
    let saved = folder.url.appending(path: "saved")
    func share(resumes: Bool, stopsAfter last: Int? = nil) throws -> Double? {
      var options = RewritingOptions()
      let tally = RoundingTally()
      options.rounding = tally
      options.continuation = CheckpointWriter.Continuation(key: "k", resumes: resumes)
      try checkpoint.writeMerged(stack, to: place, options: options) { done, _ in
        guard done == last else { return }
        try FileManager.default.copyItem(at: partial, to: saved)
        throw Killed()
      }
      return tally.kept
    }
    let whole = try #require(try share(resumes: false))
    let bytes = try Data(contentsOf: place.appending(path: "model.safetensors"))
    try FileManager.default.removeItem(at: place)
    #expect(throws: Killed.self) { try share(resumes: false, stopsAfter: 1) }
    try FileManager.default.moveItem(at: saved, to: partial)
    let continued = try #require(try share(resumes: true))
    #expect(abs(continued - whole) < 1e-12 && whole > 0.9, "\(continued) and \(whole)")
    #expect(try Data(contentsOf: place.appending(path: "model.safetensors")) == bytes)
  }

  @Test func whatIsNotChangedKeepsItsType() throws {
    let folder = try TemporaryFolder()
    let checkpoint = try Self.checkpoint(in: folder)
    var options = RewritingOptions()
    options.widensChanged = true
    let output = folder.url.appending(path: "same")
    try checkpoint.writeMerged([], to: output, options: options)
    #expect(try Checkpoint(folder: output).tensor(named: "w")?.dtype == .bfloat16)
    let tally = RoundingTally()
    #expect(tally.kept == nil)
  }
}
