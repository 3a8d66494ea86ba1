import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Model folders as people have them, and what happens to files while they are in use.
@Suite("Checkpoints as found")
struct ForeignFileTests {
  private static let indexName = "model.safetensors.index.json"

  /// Two shards: `a` and `extra` in the first, `b` in the second; the index names `a` and `b`.
  private static func sharded(
    first: [(name: String, shape: [Int], values: [Float])] = [
      ("a", [2], [1, 2]), ("extra", [1], [9]),
    ]
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.writeTensors(first, to: "1.safetensors")
    try folder.writeTensors([("b", [1], [3])], to: "2.safetensors")
    try folder.write(
      "\u{FEFF}{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}",
      to: indexName)
    return folder
  }

  @Test("a tensor that the index does not name is no part of the checkpoint, nor of its copy")
  func extraTensor() throws {
    let folder = try Self.sharded()
    let checkpoint = try Checkpoint(folder: folder.url)
    #expect(checkpoint.tensorNames == ["a", "b"])
    #expect(checkpoint.tensor(named: "extra") == nil)
    let copy = folder.url.appending(path: "copy")
    try checkpoint.writeMerged([], to: copy)
    let written = try Checkpoint(folder: copy)
    #expect(written.tensorNames == ["a", "b"])
    #expect(written.digest() == checkpoint.digest())
  }

  @Test("a second copy of a tensor that the index names is refused")
  func staleCopy() throws {
    let folder = try Self.sharded(first: [("a", [2], [1, 2]), ("b", [1], [8])])
    #expect(
      throws: CheckpointError.index(
        file: folder.url.appending(path: Self.indexName).path,
        .tensorInTwoShards(name: "b", first: "1.safetensors", second: "2.safetensors"))
    ) { try Checkpoint(folder: folder.url) }
  }

  @Test("a file in place of a folder is named as one")
  func fileForFolder() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("GGUF", to: "adapter.gguf")
    let error = CheckpointError.fileSystem(.notAFolder(path: file.path))
    #expect(throws: error) { try Checkpoint(folder: file) }
    #expect(throws: error) { try LowRankUpdate(peftFolder: file) }
  }

  @Test("metadata may be null")
  func nullMetadata() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      safetensors(
        "{\"__metadata__\":null,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        dataByteCount: 4), to: "model.safetensors")
    #expect(try SafetensorsFile(file).metadata.isEmpty)
  }

  @Test("a copy keeps the format that its source names", arguments: ["pt", "mlx", "tf", nil])
  func format(name: String?) throws {
    let folder = try TemporaryFolder()
    let metadata = name.map { "\"__metadata__\":{\"format\":\"\($0)\",\"by\":\"x\"}," } ?? ""
    try folder.write(
      safetensors(
        "{\(metadata)\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        dataByteCount: 4), to: "model.safetensors")
    let copy = folder.url.appending(path: "copy")
    try Checkpoint(folder: folder.url).writeMerged([], to: copy)
    let shard = try #require(try Checkpoint(folder: copy).shards.first)
    #expect(shard.metadata == (name.map { ["format": $0, "by": "x"] } ?? [:]))
  }

  @Test(
    "weights that were written or replaced since they were opened are noticed",
    arguments: ["nothing", "overwritten", "longer", "shorter", "replaced", "removed"])
  func changes(change: String) throws {
    let folder = try TemporaryFolder()
    let values = (0..<2_000).map { Float($0) }
    let file = try folder.writeTensors([("a", [2_000], values)], to: "model.safetensors")
    let checkpoint = try Checkpoint(folder: folder.url)
    let copy = folder.url.appending(path: "copy")
    switch change {
    case "overwritten":
      let handle = try FileHandle(forWritingTo: file)
      try handle.seek(toOffset: 4_000)
      try handle.write(contentsOf: Data([1, 2, 3]))
      try handle.close()
      // Within the clock's step the time may be the same.
      try OddFile.age(file)
    case "longer": try OddFile.resize(file, to: 9_000)
    case "shorter": try OddFile.resize(file, to: 8_050)
    case "replaced":
      try FileManager.default.copyItem(at: file, to: copy)
      try FileManager.default.removeItem(at: file)
      try FileManager.default.moveItem(at: copy, to: file)
      try OddFile.age(file)
    case "removed": try FileManager.default.removeItem(at: file)
    default: try checkpoint.requireUnchanged()
    }
    guard change != "nothing" else { return }
    let error = CheckpointError.fileSystem(.changed(path: file.path))
    #expect(throws: error) { try checkpoint.requireUnchanged() }
    guard change != "shorter" else { return }
    #expect(throws: error) { try checkpoint.writeMerged([], to: copy) }
    #expect(folder.contents.allSatisfy { !$0.contains("partial") })
  }

  @Test("a file that is cut short while it is mapped ends the process with its name")
  func truncation() async throws {
    let result = await #expect(
      processExitsWith: .exitCode(2), observing: [\.standardErrorContent]
    ) {
      let folder = try TemporaryFolder()
      let values = [Float](repeating: 1, count: 100_000)
      let file = try folder.writeTensors([("a", [100_000], values)], to: "cut.safetensors")
      let open = try SafetensorsFile(file)
      try OddFile.resize(file, to: 4_096)
      _ = try open.floats(of: open.tensors[0])
      exit(0)
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("cut.safetensors: the file was cut short"))
  }

  @Test("a mapping that was let go of is not blamed for another's failure")
  func forgotten() async {
    await #expect(processExitsWith: .failure) {
      let folder = try TemporaryFolder()
      let file = try folder.writeTensors([("a", [1], [1])], to: "gone.safetensors")
      _ = try SafetensorsFile(file).metadata
      raise(SIGBUS)
      exit(0)
    }
  }

  @Test(
    "a pipe in place of a file is refused at once", .timeLimit(.minutes(1)),
    arguments: ["model.safetensors", "1.safetensors", "model.safetensors.index.json"])
  func pipes(name: String) throws {
    let folder = try Self.sharded()
    let place = folder.url.appending(path: name)
    try OddFile.makePipe(at: place)
    #expect(throws: CheckpointError.fileSystem(.notAFile(path: place.path, found: "a pipe"))) {
      try Checkpoint(folder: folder.url)
    }
  }

  @Test("an index beyond the limit is refused unread")
  func hugeIndex() throws {
    let folder = try Self.sharded()
    let place = folder.url.appending(path: Self.indexName)
    try OddFile.resize(place, to: 3 << 30)
    let error = #expect(throws: CheckpointError.self) { try Checkpoint(folder: folder.url) }
    #expect(error?.description.contains("3221225472 bytes") == true)
  }

  @Test("a pipe among the other files of a folder is not copied", .timeLimit(.minutes(1)))
  func otherFiles() throws {
    let folder = try Self.sharded()
    try OddFile.makePipe(at: folder.url.appending(path: "pipe.txt"))
    try folder.write("", to: "empty.txt")
    try folder.write("text", to: "README.md")
    let copy = folder.url.appending(path: "copy")
    try Checkpoint(folder: folder.url).writeMerged([], to: copy)
    let names = try FileManager.default.contentsOfDirectory(atPath: copy.path).sorted()
    #expect(
      names == ["1.safetensors", "2.safetensors", "README.md", "empty.txt", Self.indexName])
  }
}
