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
