import Foundation
import Support
import TestSupport
import Testing

@testable import Checkpoints

/// The same values, whichever way they are read.
@Suite struct WeightStreamTests {
  /// Whether files here can be read past the system's cache.
  static let hasUncachedReads: Bool = {
    guard let folder = try? model(count: 100_000) else { return false }
    guard let checkpoint = try? Checkpoint(folder: folder.url, uncached: true) else { return false }
    // Opening it has read some.
    evict(folder.url.appending(path: "model.safetensors"))
    return withExtendedLifetime(folder) { checkpoint.uncachedFile(of: "f32") != nil }
  }()

  /// A tensor of each type, at places that are no multiple of a block, out of the system's cache.
  static func model(count: Int) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "model.safetensors")
    let types: [(String, DataType)] = [
      ("odd", .float32), ("bf16", .bfloat16), ("f16", .float16), ("f32", .float32),
    ]
    let writer = try SafetensorsWriter(
      to: file,
      tensors: types.map {
        TensorDeclaration(name: $0.0, dtype: $0.1, shape: [$0.0 == "odd" ? 1 : count])
      })
    for (place, (name, _)) in types.enumerated() {
      try writer.write(
        (0..<(name == "odd" ? 1 : count)).map { Float(($0 * 7 + place) % 251 - 100) / 4 }, of: name)
    }
    try writer.finish()
    evict(file)
    return folder
  }

  private static func evict(_ file: URL) {
    let descriptor = unsafe open(file.path, O_RDONLY)
    fsync(descriptor)
    #if os(Linux)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    #endif
    close(descriptor)
  }

  private static let needsThem: Comment =
    "the temporary folder's file system has no reads past the cache"

  @Test(
    .enabled(if: hasUncachedReads, needsThem),
    arguments: [1, 2_047, WeightStream.stretch + 4_099])
  func readsPastTheCacheFindWhatIsMapped(count: Int) throws {
    let folder = try Self.model(count: count)
    let uncached = try Checkpoint(folder: folder.url, uncached: true)
    for name in ["bf16", "f16", "f32"] {
      Self.evict(folder.url.appending(path: "model.safetensors"))
      let stream = try WeightStream(name, in: uncached)
      // Of a few pages those of the header are half.
      #expect(uncached.uncachedFile(of: name) != nil || count < 4_096)
      var found: [Float] = []
      // As callers do: from the first to the last, and once more from the first.
      for lower in stride(from: 0, to: count, by: 300_001) {
        found += try stream.floats(lower..<min(count, lower + 300_001))
      }
      let mapped = try Checkpoint(folder: folder.url, uncached: false).floats(named: name)
      #expect(found == mapped)
      #expect(try stream.floats(0..<count) == mapped)
    }
  }

  /// A tensor that stays in memory from one pass to the next, after a look at its beginning.
  @Test(.enabled(if: hasUncachedReads, needsThem))
  func whatIsKeptIsWhatWasRead() throws {
    let count = 2 * WeightStream.stretch + 4_099
    let folder = try Self.model(count: count)
    let uncached = try Checkpoint(folder: folder.url, uncached: true)
    for name in ["bf16", "f32"] {
      Self.evict(folder.url.appending(path: "model.safetensors"))
      let stream = try WeightStream(name, in: uncached)
      #expect(try stream.floats(0..<7) == uncached.floats(named: name).prefix(7).map(\.self))
      stream.keepAll()
      // Pieces that end inside blocks, then all of it at once.
      var pieces: [Float] = []
      for lower in Swift.stride(from: 0, to: count, by: 300_001) {
        pieces += try stream.floats(lower..<min(count, lower + 300_001))
      }
      let expected = try uncached.floats(named: name)
      #expect(pieces == expected)
      #expect(try stream.floats(0..<count) == expected)
      #expect(try stream.floats(count - 3..<count) == Array(expected.suffix(3)))
    }
  }

  @Test(arguments: [false, true]) func differencesAndEqualBytes(uncached: Bool) throws {
    let count = WeightStream.stretch + 77
    let (one, other) = (try Self.model(count: count), try Self.model(count: count))
    // The last value of the last tensor.
    let file = other.url.appending(path: "model.safetensors")
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: file)
    for folder in [one, other] { Self.evict(folder.url.appending(path: "model.safetensors")) }
    func stream(_ folder: TemporaryFolder, _ name: String) throws -> WeightStream {
      try WeightStream(name, in: Checkpoint(folder: folder.url, uncached: uncached))
    }
    #expect(
      try stream(one, "f16").holdsTheBytes(of: stream(other, "f16"), count: count))
    #expect(try !stream(one, "f32").holdsTheBytes(of: stream(other, "f32"), count: count))
    #expect(try stream(one, "f32").holdsTheBytes(of: stream(other, "f32"), count: count - 1))
    #expect(try !stream(one, "f32").holdsTheBytes(of: stream(other, "f16"), count: 1))
    var difference = [Float](repeating: 0, count: count)
    try unsafe difference.withUnsafeMutableBufferPointer { target in
      guard let start = target.baseAddress else { return }
      try unsafe stream(one, "f32").subtract(stream(other, "bf16"), in: 0..<count, into: start)
    }
    let expected = zip(
      try stream(one, "f32").floats(0..<count), try stream(other, "bf16").floats(0..<count)
    ).map { $0 - $1 }
    #expect(difference == expected)
  }

  @Test(.enabled(if: hasUncachedReads, needsThem))
  func aFileThatIsCutShortIsToldOf() throws {
    let folder = try Self.model(count: 100_000)
    let file = folder.url.appending(path: "model.safetensors").path
    let checkpoint = try Checkpoint(folder: folder.url, uncached: true)
    Self.evict(URL(filePath: file))
    let stream = try WeightStream("f32", in: checkpoint)
    #expect(checkpoint.uncachedFile(of: "f32") != nil)
    let isCut = unsafe truncate(file, 300_000) == 0
    #expect(isCut)
    #expect(throws: CheckpointError.fileSystem(.changed(path: file))) {
      try stream.floats(0..<stream.count)
    }
    // One that is another already when it is first read is not read past the mapping.
    let other = try Self.model(count: 100_000)
    let replaced = try Checkpoint(folder: other.url, uncached: true)
    try Data([1]).write(to: other.url.appending(path: "model.safetensors"))
    #expect(replaced.uncachedFile(of: "f32") == nil)
  }
}
