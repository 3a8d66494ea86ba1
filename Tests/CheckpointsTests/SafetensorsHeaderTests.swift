import Foundation
import Testing

@testable import Checkpoints

@Suite("Hostile safetensors files")
struct SafetensorsHeaderTests {
  typealias Fault = CheckpointError.HeaderFault

  /// A header with its data's size, and the fault it must be refused with.
  struct Hostile: Sendable, CustomTestStringConvertible {
    let header: String
    let dataByteCount: Int
    let fault: Fault

    init(_ header: String, _ dataByteCount: Int, _ fault: Fault) {
      self.header = header
      self.dataByteCount = dataByteCount
      self.fault = fault
    }

    var testDescription: String { "\(fault)" }
  }

  /// One tensor `a` with the given members.
  private static func one(_ members: String) -> String { "{\"a\":{\(members)}}" }

  static let hostile: [Hostile] = [
    Hostile("{", 0, .notJSON(reason: "expected a key in quotes", offset: 1)),
    Hostile("{}x", 0, .notJSON(reason: "unexpected text after the value", offset: 2)),
    Hostile("", 0, .notJSON(reason: "the text ends where a value should be", offset: 0)),
    Hostile("[]", 0, .notAnObject(found: "[]")),
    Hostile("3", 0, .notAnObject(found: "3")),
    Hostile("{\"__metadata__\":[]}", 0, .metadataInvalid(found: "[]")),
    Hostile("{\"__metadata__\":{\"k\":1}}", 0, .metadataInvalid(found: "1 under k")),
    Hostile(
      "{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", 0,
      .metadataInvalid(found: "{\"k\":\"\",\"k\":\"\"}")),
    Hostile(
      """
      {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},\
      "a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}
      """, 8, .duplicateTensor(name: "a")),
    Hostile("{\"__metadata__\":{},\"__metadata__\":{}}", 0, .duplicateTensor(name: "__metadata__")),
    Hostile("{\"a\":7}", 0, .entryNotAnObject(tensor: "a", found: "7")),
    Hostile(
      one("\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]"), 4,
      .duplicateKey(tensor: "a", key: "shape")),
    Hostile(
      one("\"shape\":[1],\"data_offsets\":[0,4]"), 4, .missingKey(tensor: "a", key: "dtype")),
    Hostile(
      one("\"dtype\":\"F32\",\"data_offsets\":[0,4]"), 4, .missingKey(tensor: "a", key: "shape")),
    Hostile(
      one("\"dtype\":\"F32\",\"shape\":[1]"), 4, .missingKey(tensor: "a", key: "data_offsets")),
    Hostile(
      one("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"stride\":[1]"), 4,
      .unexpectedKey(tensor: "a", key: "stride")),
    Hostile(
      tensor("F31", "[1]", "[0,4]"), 4, .unknownDataType(tensor: "a", found: "\"F31\"")),
    Hostile(
      one("\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]"), 4,
      .unknownDataType(tensor: "a", found: "32")),
    Hostile(tensor("F32", "[-1]", "[0,4]"), 4, .shapeInvalid(tensor: "a", found: "[-1]")),
    Hostile(tensor("F32", "[1.0]", "[0,4]"), 4, .shapeInvalid(tensor: "a", found: "[1.0]")),
    Hostile(tensor("F32", "1", "[0,4]"), 4, .shapeInvalid(tensor: "a", found: "1")),
    Hostile(
      tensor("F32", "[9223372036854775808]", "[0,4]"), 4,
      .shapeInvalid(tensor: "a", found: "[9223372036854775808]")),
    Hostile(
      tensor("F32", "[4294967296,4294967296]", "[0,4]"), 4,
      .shapeTooLarge(tensor: "a", shape: [4_294_967_296, 4_294_967_296], dtype: .float32)),
    Hostile(
      tensor("F32", "[2305843009213693952]", "[0,4]"), 4,
      .shapeTooLarge(tensor: "a", shape: [2_305_843_009_213_693_952], dtype: .float32)),
    Hostile(tensor("F32", "[1]", "[-4,0]"), 4, .offsetsInvalid(tensor: "a", found: "[-4,0]")),
    Hostile(tensor("F32", "[1]", "[0]"), 4, .offsetsInvalid(tensor: "a", found: "[0]")),
    Hostile(tensor("F32", "[1]", "[0,4,8]"), 4, .offsetsInvalid(tensor: "a", found: "[0,4,8]")),
    Hostile(
      tensor("F32", "[1]", "[0,1e3]"), 4, .offsetsInvalid(tensor: "a", found: "[0,1e3]")),
    Hostile(
      tensor("F32", "[1]", "[0,18446744073709551615]"), 4,
      .offsetsInvalid(tensor: "a", found: "[0,18446744073709551615]")),
    Hostile(tensor("F32", "[1]", "[8,4]"), 8, .offsetsReversed(tensor: "a", begin: 8, end: 4)),
    Hostile(
      tensor("F32", "[2]", "[0,4]"), 4,
      .byteCountMismatch(tensor: "a", shape: [2], dtype: .float32, expected: 8, found: 4)),
    Hostile(
      tensor("BF16", "[2,3]", "[0,24]"), 24,
      .byteCountMismatch(tensor: "a", shape: [2, 3], dtype: .bfloat16, expected: 12, found: 24)),
    Hostile(
      tensor("F32", "[2]", "[0,8]"), 4, .dataBeyondEnd(tensor: "a", end: 8, available: 4)),
    Hostile(
      tensor("F32", "[1]", "[9223372036854775803,9223372036854775807]"), 4,
      .dataBeyondEnd(tensor: "a", end: 9_223_372_036_854_775_807, available: 4)),
    Hostile(
      two("[0,8]", "[4,12]"), 12, .overlap(tensor: "b", begin: 4, other: "a", otherEnd: 8)),
    Hostile(two("[0,8]", "[0,8]"), 8, .overlap(tensor: "b", begin: 0, other: "a", otherEnd: 8)),
    Hostile(two("[0,8]", "[12,20]"), 20, .gap(tensor: "b", begin: 12, expected: 8)),
    Hostile(two("[8,16]", "[16,24]"), 24, .gap(tensor: "a", begin: 8, expected: 0)),
    Hostile(two("[0,8]", "[8,16]"), 17, .trailingBytes(expected: 16, found: 17)),
    Hostile("{}", 4, .trailingBytes(expected: 0, found: 4)),
  ]

  private static func tensor(_ dtype: String, _ shape: String, _ offsets: String) -> String {
    one("\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)")
  }

  /// Tensors `a` and `b` of two float32 each.
  private static func two(_ first: String, _ second: String) -> String {
    """
    {"a":{"dtype":"F32","shape":[2],"data_offsets":\(first)},\
    "b":{"dtype":"F32","shape":[2],"data_offsets":\(second)}}
    """
  }

  @Test("a malformed header is refused with its own error", arguments: hostile)
  func malformedHeader(hostile: Hostile) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      safetensors(hostile.header, dataByteCount: hostile.dataByteCount), to: "x.safetensors")
    #expect(throws: CheckpointError.header(file: file.path, hostile.fault)) {
      try SafetensorsFile(file)
    }
  }

  @Test(
    "a malformed start is refused with its own error",
    arguments: [
      ([1, 2, 3], .tooShort(byteCount: 3)),
      (littleEndian(100_000_001), .headerTooLong(length: 100_000_001, limit: 100_000_000)),
      (littleEndian(.max), .headerTooLong(length: .max, limit: 100_000_000)),
      (littleEndian(3) + [123, 125], .headerBeyondFile(length: 3, available: 2)),
      (safetensors([0x7B, 0x22, 0xFF, 0x22, 0x7D], dataByteCount: 0), .notUTF8),
    ] as [([UInt8], Fault)])
  func malformedStart(bytes: [UInt8], fault: Fault) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(bytes, to: "x.safetensors")
    #expect(throws: CheckpointError.header(file: file.path, fault)) { try SafetensorsFile(file) }
  }

  @Test("what is no file to map is refused with its own error")
  func unmappable() throws {
    let folder = try TemporaryFolder()
    let empty = try folder.write([], to: "empty.safetensors")
    #expect(throws: CheckpointError.fileSystem(.emptyFile(path: empty.path))) {
      try SafetensorsFile(empty)
    }
    #expect(throws: CheckpointError.fileSystem(.notAFile(path: folder.url.path, found: "a folder")))
    {
      try SafetensorsFile(folder.url)
    }
    let missing = folder.url.appending(path: "missing.safetensors")
    let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(missing) }
    #expect(
      error?.description == "cannot open \(missing.path): No such file or directory")
  }

  @Test("a message names file and tensor and says what was expected and found")
  func message() throws {
    let error = CheckpointError.header(
      file: "m.safetensors",
      .byteCountMismatch(tensor: "a", shape: [2], dtype: .float32, expected: 8, found: 4))
    #expect(
      error.description
        == "m.safetensors: not a valid safetensors file: tensor a of shape [2] and dtype F32 needs"
        + " 8 bytes, but its offsets hold 4")
  }

  @Test("unusual but valid files are read: padding, any order, empty tensors, carried dtypes")
  func unusual() throws {
    let folder = try TemporaryFolder()
    let header = """
      {"z":{"dtype":"I64","shape":[],"data_offsets":[4,12]},
       "none":{"dtype":"F16","shape":[0,5],"data_offsets":[4,4]},
       "a":{"data_offsets":[0,4],"shape":[1,1],"dtype":"F32"},"__metadata__":{"k":"v"}}   
      """
    let file = try SafetensorsFile(
      folder.write(safetensors(header, dataByteCount: 12), to: "x.safetensors"))
    #expect(file.tensors.map(\.name) == ["a", "none", "z"])
    #expect(file.metadata == ["k": "v"])
    let a = try #require(file.tensor(named: "a"))
    #expect(try file.floats(of: a) == [0])
    let none = try #require(file.tensor(named: "none"))
    #expect(try file.floats(of: none) == [])
    let z = try #require(file.tensor(named: "z"))
    #expect(z.elementCount == 1)
    #expect(
      throws: CheckpointError.tensor(
        name: "z", file: file.url.path, .notConvertible(dtype: z.dtype))
    ) { try file.floats(of: z) }
  }
}
