public import Foundation

/// One tensor of a safetensors file.
public struct TensorDescription: Hashable, Sendable {
  public let name: String
  public let elementType: ElementType
  /// Row-major; empty for a scalar.
  public let shape: [Int]
  /// Where its bytes are in the file.
  public let byteRange: Range<Int>

  public var elementCount: Int { shape.reduce(1, *) }
}

/// A safetensors file, mapped and checked in full when opened.
///
/// The format: eight bytes of little-endian header length, a JSON header that gives each tensor's
/// dtype, shape and data_offsets, then the tensors' bytes without gaps
/// (https://github.com/huggingface/safetensors).
public final class SafetensorsFile: Sendable {
  public let url: URL
  /// In the order of their bytes.
  public let tensors: [TensorDescription]
  /// The header's free-form `__metadata__`.
  public let metadata: [String: String]
  private let mapping: MappedFile

  /// The format's own limit on headers.
  static let headerLimit = 100_000_000

  public init(_ url: URL) throws(CheckpointError) {
    self.url = url
    mapping = try MappedFile(url)
    (tensors, metadata) = unsafe try Self.parse(mapping.bytes, file: url.path)
  }

  /// A tensor's bytes, valid while this file is alive.
  @unsafe public func unsafeBytes(of tensor: TensorDescription) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: mapping.bytes[tensor.byteRange])
  }

  /// The whole file's bytes, valid while this file is alive.
  @unsafe var unsafeBytes: UnsafeRawBufferPointer { unsafe mapping.bytes }

  /// Lets the kernel drop a tensor's pages from this process.
  public func release(_ tensor: TensorDescription) { mapping.release(tensor.byteRange) }

  private static func parse(
    _ bytes: UnsafeRawBufferPointer, file: String
  ) throws(CheckpointError) -> ([TensorDescription], [String: String]) {
    guard bytes.count >= 8 else { throw .fileTooShort(file: file, byteCount: bytes.count) }
    let length = unsafe UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    let limit = min(headerLimit, bytes.count - 8)
    guard length >= 2, length <= UInt64(limit) else {
      throw .headerLengthOutOfRange(file: file, found: length, limit: limit)
    }
    let header = unsafe Data(bytes[8..<8 + Int(length)])
    let parsed = try SafetensorsHeader(header, file: file)
    let start = 8 + Int(length)
    return (try parsed.place(from: start, dataByteCount: bytes.count - start), parsed.metadata)
  }
}
