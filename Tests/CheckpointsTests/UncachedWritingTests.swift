import Foundation
import Support
import TestSupport
import Testing

@testable import Checkpoints

/// The same files, whichever way they are written.
@Suite struct UncachedWritingTests {
  private static let types: [(name: String, type: ElementType)] = [
    ("odd", .float16), ("a", .bfloat16), ("b", .float32), ("c", .float16), ("d", .bfloat16),
  ]

  private static func value(_ index: Int, of place: Int) -> Float {
    Float((index * 7 + place * 31) % 251 - 125) / 8
  }

  /// Writes tensors of so many values from several threads, in pieces.
  private static func write(
    _ folder: TemporaryFolder, _ name: String, count: Int, unit: Int, most: Int?, isUncached: Bool
  ) throws -> Data {
    let declared = types.map {
      TensorDeclaration(
        name: $0.name, dtype: DataType($0.type), shape: [$0.name == "odd" ? 3 : count])
    }
    let output = try PartialOutput(
      .folder, at: folder.url.appending(path: name), needed: 0, replaceExisting: false)
    let writer = try SafetensorsWriter(
      inside: output, fileName: "model.safetensors", tensors: declared, isUncached: isUncached)
    try writer.write((0..<3).map { value($0, of: 0) }, of: "odd")
    runOnThreads(types.count - 1) { thread in
      let place = thread + 1
      #expect(throws: Never.self) {
        try writer.write(types[place].name, inPiecesOf: unit, most: most) { range, piece in
          for (index, number) in range.enumerated() { piece[index] = value(number, of: place) }
        }
      }
    }
    try writer.finish()
    try output.commit()
    return try Data(contentsOf: folder.url.appending(path: "\(name)/model.safetensors"))
  }

  /// Pieces that end inside blocks, at their ends, and that are longer than what is written at once. Where the file
  /// system has no writes past its cache, the files go through it.
  @Test(
    arguments: [
      (1, 1, nil), (2_048, 2_048, 2_048), (4_100, 2_050, 2_050), (300_007, 300_007, nil),
      (64 * 2_048, 2_048, 4 * 2_048),
      (BlockBuffer.capacity / 4 + 4_096, 4_096, BlockBuffer.capacity / 4 + 4_096),
    ] as [(Int, Int, Int?)])
  func filesAreTheSame(count: Int, unit: Int, most: Int?) throws {
    let folder = try TemporaryFolder()
    let cached = try Self.write(
      folder, "cached", count: count, unit: unit, most: most, isUncached: false)
    let uncached = try Self.write(
      folder, "uncached", count: count, unit: unit, most: most, isUncached: true)
    #expect(uncached == cached)
    let file = try SafetensorsFile(folder.url.appending(path: "uncached/model.safetensors"))
    let last = try file.floats(of: #require(file.tensor(named: "d")))
    #expect(last.count == count)
    #expect(last.last == Self.value(count - 1, of: 4))
  }

  /// Blocks of which two writes have a part each.
  @Test func edgesShareBlocks() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "file").path
    let file = try OutputFile(creating: path, uncachedSize: 20_000)
    let (first, second) = (BlockBuffer(), BlockBuffer())
    unsafe (first.start + 1).initializeMemory(as: UInt8.self, repeating: 7, count: 12_000)
    let lead = 12_001 % BlockBuffer.block
    unsafe (second.start + lead).initializeMemory(as: UInt8.self, repeating: 9, count: 7_999)
    try file.write(second, count: 7_999, at: 12_001)
    try file.write(first, count: 12_000, at: 1)
    try file.synchronize()
    let found = try Data(contentsOf: URL(filePath: path))
    #expect(
      found == Data([0]) + Data(repeating: 7, count: 12_000) + Data(repeating: 9, count: 7_999))
  }
}
