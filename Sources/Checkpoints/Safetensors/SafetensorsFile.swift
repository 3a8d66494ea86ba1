package import Foundation
import Synchronization

/// A safetensors file, mapped for reading; its header is validated completely when it is opened.
package final class SafetensorsFile: Sendable {
  /// Where the file was found.
  package let url: URL
  /// Every tensor, in the order of their bytes.
  package let tensors: [TensorDescription]
  /// The strings under `__metadata__`, such as `format: pt`.
  package let metadata: [String: String]

  private let mapping: MappedFile
  private let tensorsByName: [String: TensorDescription]
  /// Once somebody asked: the file for reads past the system's cache, if there can be such.
  private let uncachedFile = Mutex<UncachedFile??>(nil)

  /// Maps and validates a file.
  ///
  /// - Throws: `CheckpointError.fileSystem` where it cannot be mapped, `.header` where it is
  ///   malformed.
  package init(_ url: URL) throws(CheckpointError) {
    let mapping = try MappedFile(url.path)
    do throws(CheckpointError.HeaderFault) {
      let header = try Self.readHeader(mapping)
      self.tensors = header.tensors
      self.metadata = header.metadata
    } catch {
      throw .header(file: url.path, error)
    }
    self.url = url
    self.mapping = mapping
    // Names are unique: the header was refused otherwise.
    self.tensorsByName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
  }

  private static func readHeader(
    _ mapping: borrowing MappedFile
  ) throws(CheckpointError.HeaderFault) -> SafetensorsHeader {
    guard mapping.count >= 8 else { throw .tooShort(byteCount: mapping.count) }
    let length = UInt64(littleEndian: mapping.loadUnaligned(at: 0, as: UInt64.self))
    let limit = SafetensorsHeader.lengthLimit
    guard length <= UInt64(limit) else { throw .headerTooLong(length: length, limit: limit) }
    let count = Int(length)
    guard count <= mapping.count - 8 else {
      throw .headerBeyondFile(length: count, available: mapping.count - 8)
    }
    let json = unsafe mapping.withUnsafeBytes(in: 8..<8 + count) { unsafe [UInt8]($0) }
    return try SafetensorsHeader(json: json, dataByteCount: mapping.count - 8 - count)
  }

  /// Checks that the file is the one that was opened, and was not written since.
  ///
  /// - Throws: `CheckpointError.fileSystem` with `changed`.
  func requireUnchanged() throws(CheckpointError) { try mapping.requireUnchanged() }

  /// The tensor of a name; nil where the file has none.
  package func tensor(named name: String) -> TensorDescription? {
    tensorsByName[name]
  }

  /// The tensor of a name.
  ///
  /// - Throws: `CheckpointError.tensor` with `missing`.
  func requireTensor(named name: String) throws(CheckpointError) -> TensorDescription {
    guard let tensor = tensorsByName[name] else {
      throw .tensor(name: name, file: url.path, .missing)
    }
    return tensor
  }

  /// A tensor's bytes as they lie in the file: row-major, little-endian, at any alignment.
  ///
  /// The pointer is valid while this object lives; nothing keeps it from being used longer.
  ///
  /// - Precondition: `tensor` is one of this file's.
  @unsafe
  package func unsafeBytes(of tensor: TensorDescription) -> UnsafeRawBufferPointer {
    unsafe mapping.unsafeBytes(in: tensor.byteRange)
  }

  /// A tensor's values, row-major, widened to float32.
  ///
  /// - Precondition: `tensor` is one of this file's.
  /// - Throws: `CheckpointError.tensor` with `notConvertible` for other than F32, F16 and BF16.
  package func floats(of tensor: TensorDescription) throws(CheckpointError) -> [Float] {
    guard let elementType = tensor.dtype.elementType else {
      throw .tensor(name: tensor.name, file: url.path, .notConvertible(dtype: tensor.dtype))
    }
    return unsafe mapping.withUnsafeBytes(in: tensor.byteRange) {
      unsafe elementType.widen($0)
    }
  }

  /// The file for reads of a tensor past the system's cache; nil where the tensor is in it already, or the file
  /// system has no such reads.
  func uncached(for tensor: TensorDescription) -> UncachedFile? {
    guard !mapping.isCached(tensor.byteRange) else { return nil }
    return uncachedFile.withLock { file in
      if let file { return file }
      let opened = UncachedFile(mapping)
      file = .some(opened)
      return opened
    }
  }

  /// Tells the kernel what is about to happen to a tensor's bytes.
  ///
  /// - Parameter bytes: some of them, counted from the first; nil means all.
  func advise(
    _ advice: MappedFile.Advice, for tensor: TensorDescription, bytes: Range<Int>? = nil
  ) {
    let start = tensor.byteRange.lowerBound
    mapping.advise(
      advice,
      in: bytes.map { start + $0.lowerBound..<start + $0.upperBound } ?? tensor.byteRange)
  }
}
