import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Checkpoints

/// A safetensors file as bytes: header length, header, data.
func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> Data {
  let length = length ?? UInt64(header.utf8.count)
  let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
  return Data(prefix) + Data(header.utf8) + Data(count: data)
}

func entry(_ name: String, _ type: String, _ shape: String, _ offsets: String) -> String {
  "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
}

@Suite struct HostileFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: Data
    let expected: @Sendable (String) -> CheckpointError
    var testDescription: String { name }
  }

  static let integers = "a list of whole numbers from 0 to 2^63 - 1"

  static let cases: [Case] = [
    Case(name: "empty", bytes: Data()) { .fileTooShort(file: $0, byteCount: 0) },
    Case(name: "seven bytes", bytes: Data(count: 7)) { .fileTooShort(file: $0, byteCount: 7) },
    Case(name: "no header", bytes: safetensors("")) {
      .headerLengthOutOfRange(file: $0, found: 0, limit: 0)
    },
    Case(name: "header beyond the end", bytes: safetensors("{}", length: 1_000)) {
      .headerLengthOutOfRange(file: $0, found: 1_000, limit: 2)
    },
    Case(name: "header length of 2^64 - 1", bytes: safetensors("{}", length: .max)) {
      .headerLengthOutOfRange(file: $0, found: .max, limit: 2)
    },
    Case(name: "not an object", bytes: safetensors("[1]")) {
      .headerNotJSON(file: $0, reason: "something that does not begin with {")
    },
    Case(name: "bad JSON", bytes: safetensors("{\"a\":")) {
      .headerNotJSON(file: $0, reason: "text that does not parse")
    },
    Case(
      name: "not UTF-8", bytes: safetensors("{\"") + Data([0xFF, 0xFE]),
      expected: {
        .headerNotJSON(file: $0, reason: "text that does not parse")
      }),
    Case(
      name: "duplicate",
      bytes: safetensors(
        "{\(entry("w", "F32", "[1]", "[0,4]")),\(entry("w", "F32", "[1]", "[0,4]"))}", data: 4)
    ) { .duplicateTensor(file: $0, name: "w") },
    Case(
      name: "duplicate in another spelling",
      bytes: safetensors(
        "{\(entry("w", "F32", "[1]", "[0,4]")),\(entry("\\u0077", "F32", "[1]", "[0,4]"))}",
        data: 4)
    ) { .duplicateTensor(file: $0, name: "w") },
    Case(name: "entry is a number", bytes: safetensors("{\"w\":3}")) {
      .malformedEntry(
        file: $0, name: "w",
        reason: "expected an object with exactly dtype, shape and data_offsets")
    },
    Case(name: "missing field", bytes: safetensors("{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}")) {
      .malformedEntry(
        file: $0, name: "w",
        reason: "expected an object with exactly dtype, shape and data_offsets")
    },
    Case(name: "metadata not strings", bytes: safetensors("{\"__metadata__\":{\"a\":1}}")) {
      .malformedEntry(
        file: $0, name: "__metadata__",
        reason: "expected strings by name, found something else")
    },
    Case(name: "unknown dtype", bytes: safetensors("{\(entry("w", "F33", "[1]", "[0,4]"))}")) {
      .unknownElementType(file: $0, name: "w", found: "F33")
    },
    Case(
      name: "negative offset",
      bytes: safetensors("{\(entry("w", "F32", "[1]", "[-4,0]"))}", data: 4)
    ) {
      .malformedEntry(
        file: $0, name: "w",
        reason: "expected data_offsets to be \(integers), found -4 among them")
    },
    Case(
      name: "negative shape", bytes: safetensors("{\(entry("w", "F32", "[-1]", "[0,4]"))}", data: 4)
    ) {
      .malformedEntry(
        file: $0, name: "w", reason: "expected shape to be \(integers), found -1 among them")
    },
    Case(
      name: "fractional shape",
      bytes: safetensors("{\(entry("w", "F32", "[1.5]", "[0,4]"))}", data: 4)
    ) {
      .malformedEntry(
        file: $0, name: "w", reason: "expected shape to be \(integers), found 1.5 among them")
    },
    Case(
      name: "boolean shape",
      bytes: safetensors("{\(entry("w", "F32", "[true]", "[0,4]"))}", data: 4)
    ) {
      .malformedEntry(
        file: $0, name: "w", reason: "expected shape to be \(integers), found 1 among them")
    },
    Case(
      name: "three offsets", bytes: safetensors("{\(entry("w", "F32", "[1]", "[0,4,8]"))}", data: 8)
    ) { .offsetsOutOfRange(file: $0, name: "w", offsets: [0, 4, 8], dataByteCount: 8) },
    Case(
      name: "descending offsets",
      bytes: safetensors("{\(entry("w", "F32", "[1]", "[4,0]"))}", data: 4)
    ) { .offsetsOutOfRange(file: $0, name: "w", offsets: [4, 0], dataByteCount: 4) },
    Case(
      name: "beyond the data", bytes: safetensors("{\(entry("w", "F32", "[2]", "[0,8]"))}", data: 4)
    ) { .offsetsOutOfRange(file: $0, name: "w", offsets: [0, 8], dataByteCount: 4) },
    Case(
      name: "overflowing shape",
      bytes: safetensors("{\(entry("w", "F32", "[4611686018427387904,4]", "[0,4]"))}", data: 4)
    ) { .shapeOverflow(file: $0, name: "w", shape: [4_611_686_018_427_387_904, 4]) },
    Case(
      name: "wrong byte count",
      bytes: safetensors("{\(entry("w", "BF16", "[3]", "[0,4]"))}", data: 4)
    ) { .byteCountMismatch(file: $0, name: "w", expected: 6, found: 4) },
    Case(
      name: "overlap",
      bytes: safetensors(
        "{\(entry("a", "F32", "[2]", "[0,8]")),\(entry("b", "F32", "[2]", "[4,12]"))}", data: 12)
    ) { .overlap(file: $0, first: "a", second: "b", at: 4) },
    Case(
      name: "gap",
      bytes: safetensors(
        "{\(entry("a", "F32", "[1]", "[0,4]")),\(entry("b", "F32", "[1]", "[8,12]"))}", data: 12)
    ) { .gap(file: $0, before: "b", from: 4, to: 8) },
    Case(
      name: "trailing bytes",
      bytes: safetensors("{\(entry("a", "F32", "[1]", "[0,4]"))}", data: 7)
    ) { .trailingBytes(file: $0, count: 3) },
  ]

  @Test(arguments: cases)
  func refusesNamingTheFault(_ hostile: Case) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(hostile.bytes, "model.safetensors")
    #expect(throws: hostile.expected(file.path)) { _ = try SafetensorsFile(file) }
    #expect(hostile.expected(file.path).description.contains(file.path))
  }

  /// Any mutation of a valid file either opens or is refused; nothing else.
  @Test func mutatedFilesNeverCrash() throws {
    let folder = try TemporaryFolder()
    let valid = safetensors(
      "{\"__metadata__\":{\"format\":\"pt\"},\(entry("a", "F32", "[2,3]", "[0,24]")),"
        + "\(entry("b", "BF16", "[4]", "[24,32]"))}", data: 32)
    var generator = SplitMix64(seed: 11)
    var opened = 0
    for round in 0..<2_000 {
      var bytes = [UInt8](valid)
      for _ in 0...Int(generator.next() % 3) {
        let index = Int(generator.next() % UInt64(bytes.count))
        switch generator.next() % 3 {
        case 0: bytes[index] = UInt8(truncatingIfNeeded: generator.next())
        case 1: bytes.remove(at: index)
        default: bytes.insert(UInt8(ascii: "9"), at: index)
        }
      }
      let file = try folder.write(Data(bytes), "m\(round % 4).safetensors")
      do throws(CheckpointError) {
        let found = try SafetensorsFile(file)
        for tensor in found.tensors where tensor.elementType.isNumeric {
          _ = unsafe tensor.elementType.widen(found.unsafeBytes(of: tensor))
        }
        opened += 1
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(opened < 2_000)
  }

  @Test func foldersAndIndexesAreChecked() throws {
    let folder = try TemporaryFolder()
    let root = folder.url
    #expect(throws: CheckpointError.folderMissing(path: root.appending(path: "none").path)) {
      _ = try Checkpoint(folder: root.appending(path: "none"))
    }
    #expect(throws: CheckpointError.noWeights(folder: root.path)) {
      _ = try Checkpoint(folder: root)
    }
    let shard = safetensors("{\(entry("a", "F32", "[1]", "[0,4]"))}", data: 4)
    try folder.write(shard, "one.safetensors")
    let index = root.appending(path: Checkpoint.indexName)
    let cases: [(String, CheckpointError)] = [
      ("{", .malformedIndex(file: index.path, reason: "it does not parse as such")),
      ("{\"weight_map\":{}}", .malformedIndex(file: index.path, reason: "weight_map is empty")),
      (
        "{\"weight_map\":{\"a\":\"../one.safetensors\"}}",
        .shardOutsideFolder(index: index.path, shard: "../one.safetensors")
      ),
      (
        "{\"weight_map\":{\"a\":\"/etc/passwd\"}}",
        .shardOutsideFolder(index: index.path, shard: "/etc/passwd")
      ),
      (
        "{\"weight_map\":{\"a\":\"two.safetensors\"}}",
        .shardMissing(index: index.path, shard: "two.safetensors")
      ),
      (
        "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"}}",
        .tensorMissingFromShard(shard: root.appending(path: "one.safetensors").path, name: "b")
      ),
      (
        "{\"weight_map\":{\"b\":\"one.safetensors\"}}",
        .tensorNotInIndex(shard: root.appending(path: "one.safetensors").path, name: "a")
      ),
    ]
    for (text, expected) in cases {
      try folder.write(text, Checkpoint.indexName)
      #expect(throws: expected) { _ = try Checkpoint(folder: root) }
    }
    try folder.write("{\"weight_map\":{\"a\":\"one.safetensors\"}}", Checkpoint.indexName)
    #expect(try Checkpoint(folder: root).tensorNames == ["a"])
  }
}
