import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Checkpoint folders")
struct CheckpointTests {
  typealias Fault = CheckpointError.IndexFault

  private static let firstShard = "model-00001-of-00002.safetensors"
  private static let secondShard = "model-00002-of-00002.safetensors"

  /// A folder of two shards: `a` [2, 2] and `b` [3] in the first, `c` [1, 2] in the second.
  private static func sharded(
    index: String = """
    {"metadata":{"total_size":36},"weight_map":{"c":"\(secondShard)","a":"\(firstShard)",\
    "b":"\(firstShard)"}}
    """
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.writeTensors(
      [("a", [2, 2], [1, 2, 3, 4]), ("b", [3], [5, 6, 7])], to: firstShard)
    try folder.writeTensors([("c", [1, 2], [8, 9])], to: secondShard)
    try folder.write(index, to: "model.safetensors.index.json")
    return folder
  }

  @Test("shards are read as one checkpoint")
  func shards() throws {
    let folder = try Self.sharded()
    let checkpoint = try Checkpoint(folder: folder.url)
    #expect(checkpoint.tensorNames == ["a", "b", "c"])
    #expect(checkpoint.shards.map(\.fileName) == [Self.firstShard, Self.secondShard])
    #expect(checkpoint.shards[0].tensors.map(\.name) == ["a", "b"])
    #expect(checkpoint.shards[0].metadata == ["format": "pt"])
    #expect(checkpoint.isIndexed)
    #expect(
      try checkpoint.matrix(named: "a")
        == Matrix<Float>(rows: 2, columns: 2, elements: [1, 2, 3, 4]))
    #expect(try checkpoint.floats(named: "b") == [5, 6, 7])
    #expect(checkpoint.tensor(named: "c")?.shape == [1, 2])
    let byteCount = unsafe try checkpoint.withUnsafeBytes(of: "c") { $0.count }
    #expect(byteCount == 8)
    // Dropped pages are read again.
    checkpoint.adviseDontNeed("b")
    checkpoint.adviseWillNeed("b")
    #expect(try checkpoint.floats(named: "b") == [5, 6, 7])
  }

  @Test("a tensor that is missing or of another kind is named")
  func tensorFaults() throws {
    let folder = try Self.sharded()
    let checkpoint = try Checkpoint(folder: folder.url)
    #expect(throws: CheckpointError.tensor(name: "d", file: folder.url.path, .missing)) {
      try checkpoint.floats(named: "d")
    }
    let shard = folder.url.appending(path: Self.firstShard).path
    #expect(throws: CheckpointError.tensor(name: "b", file: shard, .notAMatrix(shape: [3]))) {
      try checkpoint.matrix(named: "b")
    }
    #expect(throws: CheckpointError.tensor(name: "d", file: folder.url.path, .missing)) {
      unsafe try checkpoint.withUnsafeBytes(of: "d") { $0.count }
    }
  }

  /// A map from `a` and `b` to the first shard, and from `c` to what is given.
  private static func map(_ c: String) -> String {
    "{\"weight_map\":{\"a\":\"\(firstShard)\",\"b\":\"\(firstShard)\",\"c\":\(c)}}"
  }

  @Test(
    "a malformed index is refused with its own error",
    arguments: [
      ("{", .notJSON(reason: "expected a key in quotes", offset: 1)),
      ("", .notJSON(reason: "the text ends where a value should be", offset: 0)),
      ("[]", .weightMapInvalid(found: "[]")),
      ("{\"metadata\":{}}", .weightMapInvalid(found: "{\"metadata\":{}}")),
      ("{\"weight_map\":7}", .weightMapInvalid(found: "7")),
      ("{\"weight_map\":{},\"weight_map\":{}}", .weightMapInvalid(found: "{}")),
      (map("3"), .weightMapInvalid(found: "3 for tensor c")),
      ("{\"weight_map\":{}}", .empty),
      ("{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}", .duplicateTensor(name: "a")),
      (
        map("\"/etc/x.safetensors\""),
        .shardOutsideFolder(tensor: "c", shard: "/etc/x.safetensors")
      ),
      (
        map("\"../x.safetensors\""),
        .shardOutsideFolder(tensor: "c", shard: "../x.safetensors")
      ),
      (
        map("\"sub/x.safetensors\""),
        .shardOutsideFolder(tensor: "c", shard: "sub/x.safetensors")
      ),
      (map("\"..\""), .shardOutsideFolder(tensor: "c", shard: "..")),
      (map("\"config.json\""), .shardOutsideFolder(tensor: "c", shard: "config.json")),
      (map("\"x.safetensors\""), .shardMissing(tensor: "c", shard: "x.safetensors")),
      (map("\"\(firstShard)\""), .tensorMissing(name: "c", shard: firstShard)),
      (
        "{\"weight_map\":{\"a\":\"\(firstShard)\",\"b\":\"\(firstShard)\","
          + "\"c\":\"\(secondShard)\",\"d\":\"\(secondShard)\"}}",
        .tensorMissing(name: "d", shard: secondShard)
      ),
    ] as [(String, Fault)])
  func malformedIndex(index: String, fault: Fault) throws {
    let folder = try Self.sharded(index: index)
    let path = folder.url.appending(path: "model.safetensors.index.json").path
    #expect(throws: CheckpointError.index(file: path, fault)) {
      try Checkpoint(folder: folder.url)
    }
  }

  @Test("an index that is not UTF-8 is refused")
  func indexNotUTF8() throws {
    let folder = try Self.sharded()
    let index = try folder.write([0x22, 0xC3, 0x22], to: "model.safetensors.index.json")
    #expect(throws: CheckpointError.index(file: index.path, .notUTF8)) {
      try Checkpoint(folder: folder.url)
    }
  }

  @Test("a tensor in two shards is refused")
  func tensorInTwoShards() throws {
    let folder = try Self.sharded()
    try folder.writeTensors(
      [("c", [1], [8]), ("a", [1], [9])], to: "other.safetensors")
    try FileManager.default.removeItem(at: folder.url.appending(path: Self.secondShard))
    let index = try folder.write(
      Self.map("\"other.safetensors\""), to: "model.safetensors.index.json")
    #expect(
      throws: CheckpointError.index(
        file: index.path,
        .tensorInTwoShards(name: "a", first: Self.firstShard, second: "other.safetensors"))
    ) { try Checkpoint(folder: folder.url) }
  }

  @Test("a malformed shard is refused under its own name")
  func malformedShard() throws {
    let folder = try Self.sharded()
    let shard = try folder.write([1, 2, 3], to: Self.secondShard)
    #expect(throws: CheckpointError.header(file: shard.path, .tooShort(byteCount: 3))) {
      try Checkpoint(folder: folder.url)
    }
  }

  @Test("folders without readable weights are refused, naming what is there")
  func noWeights() throws {
    let folder = try TemporaryFolder()
    let missing = folder.url.appending(path: "missing")
    #expect(throws: CheckpointError.fileSystem(.folderMissing(path: missing.path))) {
      try Checkpoint(folder: missing)
    }
    let file = try folder.write("x", to: "pytorch_model.bin")
    #expect(throws: CheckpointError.fileSystem(.notAFolder(path: file.path))) {
      try Checkpoint(folder: file)
    }
    #expect(
      throws: CheckpointError.fileSystem(
        .noWeights(folder: folder.url.path, others: ["pytorch_model.bin"]))
    ) { try Checkpoint(folder: folder.url) }
  }

  @Test("where file and index are both present, the file wins, as in transformers")
  func fileWins() throws {
    let folder = try Self.sharded()
    try folder.writeTensors([("a", [1], [42])], to: "model.safetensors")
    let checkpoint = try Checkpoint(folder: folder.url)
    #expect(checkpoint.tensorNames == ["a"])
    #expect(try checkpoint.floats(named: "a") == [42])
    #expect(!checkpoint.isIndexed)
  }

  @Test("links to files elsewhere are followed, as in the Hugging Face cache")
  func links() throws {
    let blobs = try TemporaryFolder()
    let blob = try blobs.writeTensors([("a", [1], [3])], to: "blobs/0123")
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      at: folder.url.appending(path: "model.safetensors"), withDestinationURL: blob)
    #expect(try Checkpoint(folder: folder.url).floats(named: "a") == [3])
    // A link to nothing is a missing shard.
    let sharded = try Self.sharded()
    let second = sharded.url.appending(path: Self.secondShard)
    try FileManager.default.removeItem(at: second)
    try FileManager.default.createSymbolicLink(
      at: second, withDestinationURL: blobs.url.appending(path: "gone"))
    let index = sharded.url.appending(path: "model.safetensors.index.json").path
    #expect(
      throws: CheckpointError.index(
        file: index, .shardMissing(tensor: "c", shard: Self.secondShard))
    ) { try Checkpoint(folder: sharded.url) }
  }

  @Test("many threads read one checkpoint")
  func concurrentReading() async throws {
    let folder = try Self.sharded()
    let checkpoint = try Checkpoint(folder: folder.url)
    try await withThrowingTaskGroup(of: [Float].self) { group in
      for _ in 0..<64 {
        group.addTask { try checkpoint.floats(named: "a") }
      }
      for try await values in group {
        #expect(values == [1, 2, 3, 4])
      }
    }
  }

  @Test("the digest is of names and contents, not of their files")
  func digest() throws {
    let sharded = try Self.sharded()
    let single = try TemporaryFolder()
    try single.writeTensors(
      [("c", [1, 2], [8, 9]), ("b", [3], [5, 6, 7]), ("a", [2, 2], [1, 2, 3, 4])],
      to: "model.safetensors")
    let digest = try Checkpoint(folder: single.url).digest()
    #expect(digest == (try Checkpoint(folder: sharded.url).digest()))
    // Computed with Python's hashlib from the documented layout.
    #expect(
      digest == "sha256:50951dc88a5000ead2fb93eee0266e957cd0a21dcd35c6a77403b3b515aed6cf")
    try single.writeTensors(
      [("c", [2, 1], [8, 9]), ("b", [3], [5, 6, 7]), ("a", [2, 2], [1, 2, 3, 4])],
      to: "other/model.safetensors")
    #expect(
      digest
        != (try Checkpoint(folder: single.url.appending(path: "other")).digest()))
  }

  /// The same weights under another configuration or tokenizer are another model.
  @Test("the digest is of what decides the replies", arguments: ["config.json", "tokenizer.json"])
  func digestOfTheConfiguration(file: String) throws {
    let folder = try TemporaryFolder()
    try folder.writeTensors([("a", [1], [1])], to: "model.safetensors")
    let bare = try Checkpoint(folder: folder.url).digest()
    _ = try folder.write("{}", to: file)
    let first = try Checkpoint(folder: folder.url).digest()
    _ = try folder.write("{\"rope_theta\": 2}", to: file)
    let second = try Checkpoint(folder: folder.url).digest()
    #expect(Set([bare, first, second]).count == 3)
    _ = try folder.write("x", to: "README.md")
    #expect(try Checkpoint(folder: folder.url).digest() == second)
  }

  @Test(
    "the tiny Llama is read as PyTorch wrote it",
    .enabled(
      if: SharedMaterial.has("golden/tiny-llama/model.safetensors"),
      "needs shared/golden/tiny-llama: a random two-layer Llama"))
  func tinyLlama() throws {
    let checkpoint = try Checkpoint(
      folder: SharedMaterial.folder.appending(path: "golden/tiny-llama"))
    #expect(checkpoint.tensorNames.count == 21)
    #expect(!checkpoint.hasTiedHead)
    let head = try #require(checkpoint.tensor(named: "lm_head.weight"))
    #expect(head.dtype == .float32 && head.shape == [160, 64])
    let values = try checkpoint.floats(named: "model.layers.1.mlp.up_proj.weight")
    // torch.linalg.vector_norm in float64, and the first value.
    let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(norm - 6.820856201731661) < 1e-9)
    #expect(values[0] == -0.008081560023128986)
  }

  @Test(
    "SmolLM2 is read: bfloat16, tied",
    .enabled(
      if: SharedMaterial.smolLM2 != nil, "needs LOXEVAL_SMOLLM2: the pair of make-smollm2"))
  func smolLM2() throws {
    let folder = try #require(SharedMaterial.smolLM2).appending(path: "aligned")
    let checkpoint = try Checkpoint(folder: folder)
    #expect(checkpoint.tensorNames.count == 272)
    #expect(checkpoint.tiedHead?.name == "model.embed_tokens.weight")
    #expect(checkpoint.tensor(named: "model.norm.weight")?.dtype == .bfloat16)
  }
}
