import Checkpoints
import Foundation

/// A folder of one test, removed when the test lets go of it.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appending(path: "checkpoints-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  /// Writes a file and returns where it is.
  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> URL {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    let isWritten = FileManager.default.createFile(atPath: file.path, contents: Data(bytes))
    if !isWritten { throw CocoaError(.fileWriteUnknown) }
    return file
  }

  @discardableResult
  func write(_ text: String, to name: String) throws -> URL {
    try write([UInt8](text.utf8), to: name)
  }

  /// Writes a safetensors file of float32 tensors.
  @discardableResult
  func writeTensors(
    _ tensors: [(name: String, shape: [Int], values: [Float])], to name: String
  ) throws -> URL {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    let writer = try SafetensorsWriter(
      to: file,
      tensors: tensors.map {
        TensorDeclaration(name: $0.name, dtype: .float32, shape: $0.shape)
      }, replaceExisting: true)
    for tensor in tensors {
      try writer.write(tensor.values, of: tensor.name)
    }
    try writer.finish()
    return file
  }

  /// Every file and folder below, by path from here, sorted.
  var contents: [String] {
    (FileManager.default.enumerator(atPath: url.path)?.compactMap { $0 as? String } ?? []).sorted()
  }
}

/// A safetensors file made by hand: the header's length, the header, and zeros.
func safetensors(_ header: String, dataByteCount: Int) -> [UInt8] {
  safetensors([UInt8](header.utf8), dataByteCount: dataByteCount)
}

func safetensors(_ header: [UInt8], dataByteCount: Int) -> [UInt8] {
  littleEndian(UInt64(header.count)) + header + [UInt8](repeating: 0, count: dataByteCount)
}

func littleEndian(_ value: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}
