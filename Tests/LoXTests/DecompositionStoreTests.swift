import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Checkpoints
@testable import LoX
@testable import Support

/// What is kept of a decomposition from one command to the next.
@Suite struct DecompositionStoreTests {
  /// Of two matrices one is large enough for Lanczos steps at rank 3, the others are decomposed in float64.
  private static let shapes = [
    "model.embed_tokens.weight": [60, 20], "model.layers.0.mlp.up_proj.weight": [150, 110],
    "model.layers.0.mlp.down_proj.weight": [110, 150], "model.norm.weight": [20],
  ]

  private struct Setting {
    let folder = try! TemporaryFolder()
    var store: DecompositionStore

    init() {
      store = DecompositionStore(folder: folder.url.appending(path: "cache/decompositions"))
      store.leastWeights = 0
      store.leastAge = 0
    }

    /// A pair whose weights follow from the seeds.
    func pair(base: UInt64 = 1, aligned: UInt64 = 2, _ name: String = "pair") throws
      -> AlignmentPair
    {
      let before = StreamingTests.tensors(shapes, seed: base)
      var after = StreamingTests.tensors(shapes, seed: aligned, near: before)
      // One that the alignment did not change.
      after["model.embed_tokens.weight"] = before["model.embed_tokens.weight"]
      var pair = try AlignmentPair(
        base: StreamingTests.checkpoint(before, .bfloat16, in: folder, "\(name)/base"),
        aligned: StreamingTests.checkpoint(after, .bfloat16, in: folder, "\(name)/aligned"),
        targets: .all)
      pair.decompositions = store
      return pair
    }

    var entries: [URL] {
      ((try? FileManager.default.contentsOfDirectory(
        at: store.folder, includingPropertiesForKeys: nil)) ?? []).sorted { $0.path < $1.path }
    }
  }

  private static func isStored(_ pair: AlignmentPair, _ rank: Rank, exact: Bool = false) throws
    -> Bool
  {
    try Triplets(of: pair, rank: rank, exact: exact, asksForAll: false).areStored
  }

  private static func expectEqual(_ a: Decomposition, _ b: Decomposition) {
    #expect(a.tensors.keys.sorted() == b.tensors.keys.sorted())
    for (name, own) in a.tensors {
      let other = b.tensors[name]
      #expect(own.singularValues == other?.singularValues)
      #expect(own.left == other?.left)
      #expect(own.right == other?.right)
      #expect(own.squaredFrobeniusNorm == other?.squaredFrobeniusNorm)
    }
  }

  @Test(arguments: [
    (Rank.leading(3), false), (.leading(60), false), (.leading(3), true),
    (.energy(share: 0.3), false),
  ])
  func keptIsToTheBitWhatIsComputed(rank: Rank, exact: Bool) throws {
    let setting = Setting()
    let pair = try setting.pair()
    #expect(try !Self.isStored(pair, rank, exact: exact))
    let computed = try Decomposition(of: pair, rank: rank, exact: exact)
    #expect(try Self.isStored(pair, rank, exact: exact))
    Self.expectEqual(try Decomposition(of: pair, rank: rank, exact: exact), computed)
    #expect(setting.entries.count == 1)
  }

  @Test func oneEntryServesEveryCommand() throws {
    let setting = Setting()
    let pair = try setting.pair()
    var without = pair
    without.decompositions = nil
    func extrapolated(_ pair: AlignmentPair, _ name: String) throws -> Data {
      let output = setting.folder.url.appending(path: name)
      try pair.writeExtrapolated(rank: .leading(3), alpha: 1.5, to: output)
      return try Data(contentsOf: output.appending(path: "model.safetensors"))
    }
    let expected = try extrapolated(without, "without")
    #expect(setting.entries.isEmpty)
    let spectra = try pair.spectra(rank: 3, count: 2)
    #expect(try Self.isStored(pair, .leading(3)))
    #expect(try extrapolated(pair, "kept") == expected)
    #expect(try without.spectra(rank: 3, count: 2) == spectra)
    #expect(try pair.spectra(rank: 3, count: 2) == spectra)
    // And the other way round.
    let other = Setting()
    let again = try other.pair()
    let output = other.folder.url.appending(path: "lox")
    try again.writeExtrapolated(rank: .leading(3), alpha: 1.5, to: output)
    #expect(try Self.isStored(again, .leading(3)))
    #expect(try again.spectra(rank: 3, count: 2) == spectra)
    #expect(setting.entries.count == 1)
    #expect(other.entries.count == 1)
  }

  @Test func anotherQuestionIsAnotherEntry() throws {
    let setting = Setting()
    let pair = try setting.pair()
    _ = try Decomposition(of: pair, rank: .leading(3))
    #expect(try !Self.isStored(pair, .leading(2)))
    #expect(try !Self.isStored(pair, .leading(3), exact: true))
    var linear = try AlignmentPair(base: pair.base, aligned: pair.aligned, targets: .linear)
    linear.decompositions = setting.store
    #expect(try !Self.isStored(linear, .leading(3)))
    // All of them are never kept.
    _ = try Decomposition(of: pair, rank: .full)
    #expect(setting.entries.count == 1)
  }

  /// Other weights of the same size, written a moment later and dated back.
  @Test func otherWeightsAreAnotherEntry() throws {
    let setting = Setting()
    let pair = try setting.pair()
    let first = try Decomposition(of: pair, rank: .leading(3))
    let file = pair.base.folder.appending(path: "model.safetensors")
    let date = try FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate]
    let other = try setting.pair(base: 9, "other").base.folder.appending(path: "model.safetensors")
    let handle = try FileHandle(forWritingTo: file)
    try handle.write(contentsOf: Data(contentsOf: other))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: date as Any], ofItemAtPath: file.path)
    var changed = try AlignmentPair(
      base: Checkpoint(folder: pair.base.folder), aligned: pair.aligned, targets: .all)
    changed.decompositions = setting.store
    #expect(try !Self.isStored(changed, .leading(3)))
    let second = try Decomposition(of: changed, rank: .leading(3))
    let name = "model.layers.0.mlp.up_proj.weight"
    #expect(first.tensors[name]?.singularValues != second.tensors[name]?.singularValues)
  }

  @Test func damagedEntriesAreComputedAgain() throws {
    let setting = Setting()
    let pair = try setting.pair()
    let computed = try Decomposition(of: pair, rank: .leading(3))
    let entry = try #require(setting.entries.first)
    let whole = try Data(contentsOf: entry)
    let header = 8 + Int(whole.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
    // Numbers become huge ones, NaN, −NaN and zero.
    for byte: UInt8 in [0x7E, 0x7F, 0xFF, 0] {
      var damaged = whole
      for place in header..<header + 4_000 { damaged[place] = byte }
      try damaged.write(to: entry)
      Self.expectEqual(try Decomposition(of: pair, rank: .leading(3)), computed)
      #expect(setting.entries.isEmpty)
    }
    for rest in [whole.prefix(whole.count - 8), whole.prefix(20), Data()] {
      try Data(rest).write(to: entry)
      Self.expectEqual(try Decomposition(of: pair, rank: .leading(3)), computed)
      // It was written anew.
      #expect(try Data(contentsOf: entry) == whole)
    }
  }

  @Test func entriesThatWereNotUsedForLongGo() throws {
    var setting = Setting()
    let pair = try setting.pair()
    _ = try Decomposition(of: pair, rank: .leading(2))
    let old = try #require(setting.entries.first)
    let size = try #require(
      try old.resourceValues(forKeys: [.fileSizeKey]).fileSize)
    // Too small for two, and large enough for one that is a quarter of it.
    setting.store.capacity = 5 * size
    var bounded = pair
    bounded.decompositions = setting.store
    for (index, name) in ["a", "b", "c", "d", "e"].enumerated() {
      let copy = setting.store.folder.appending(path: "\(name).safetensors")
      try FileManager.default.copyItem(at: old, to: copy)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: Double(index) * 60 - 3_600)],
        ofItemAtPath: copy.path)
    }
    let left = setting.store.folder.appending(path: "x.safetensors.partial-1")
    try Data([1]).write(to: left)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -200_000)], ofItemAtPath: left.path)
    // Used, so it stays.
    _ = try Decomposition(of: bounded, rank: .leading(2))
    _ = try Decomposition(of: bounded, rank: .leading(1))
    let names = Set(setting.entries.map { $0.lastPathComponent })
    #expect(names.contains(old.lastPathComponent))
    #expect(!names.contains("a.safetensors"))
    #expect(names.contains("e.safetensors"))
    #expect(!names.contains(left.lastPathComponent))
    // An entry that would push all others out is not kept.
    bounded.decompositions?.capacity = size
    _ = try Decomposition(of: bounded, rank: .leading(3))
    #expect(try !Self.isStored(bounded, .leading(3)))
  }

  @Test func withoutRoomAllWorksAsWithoutAStore() throws {
    var setting = Setting()
    let occupied = setting.folder.url.appending(path: "occupied")
    try Data("no folder".utf8).write(to: occupied)
    setting.store = DecompositionStore(folder: occupied)
    setting.store.leastWeights = 0
    setting.store.leastAge = 0
    let pair = try setting.pair()
    let computed = try Decomposition(of: pair, rank: .leading(3))
    Self.expectEqual(try Decomposition(of: pair, rank: .leading(3)), computed)
    // Small pairs and young files are not worth it, or not safe.
    var small = Setting()
    small.store.leastWeights = 1 << 20
    _ = try Decomposition(of: small.pair(), rank: .leading(3))
    #expect(small.entries.isEmpty)
    var young = Setting()
    young.store.leastAge = 3_600
    _ = try Decomposition(of: young.pair(), rank: .leading(3))
    #expect(young.entries.isEmpty)
  }

  /// A run that stops in the middle keeps nothing, and one that goes on with it asks for a part.
  @Test func whatWasNotAskedForIsNotKept() throws {
    struct Stopped: Error {}
    let setting = Setting()
    let pair = try setting.pair()
    let output = setting.folder.url.appending(path: "lox")
    var options = ExtrapolationOptions()
    options.resumes = true
    #expect(throws: Stopped.self) {
      try pair.writeExtrapolated(rank: .leading(3), alpha: 1, options: options, to: output) {
        done, _ in
        if done == 2 { throw Stopped() }
      }
    }
    try pair.writeExtrapolated(rank: .leading(3), alpha: 1, options: options, to: output)
    #expect(setting.entries.isEmpty)
  }

  @Test(
    arguments: [
      (["LOXEVAL_CACHE": "/a b"], "/a b/decompositions"),
      (["LOXEVAL_CACHE": "", "XDG_CACHE_HOME": "/c"], nil),
      (["XDG_CACHE_HOME": "/c", "HOME": "/h"], "/c/loxeval/decompositions"),
      (["XDG_CACHE_HOME": "relative", "HOME": "/h"], "/h/.cache/loxeval/decompositions"),
      ([:], "/u/.cache/loxeval/decompositions"),
    ] as [([String: String], String?)])
  func folderByTheEnvironment(environment: [String: String], expected: String?) {
    #expect(DecompositionStore(environment, home: "/u")?.folder.path == expected)
  }
}
