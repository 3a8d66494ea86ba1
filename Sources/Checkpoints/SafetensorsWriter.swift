import Foundation

/// Writes a safetensors file tensor by tensor, holding one at a time in memory.
struct SafetensorsWriter: ~Copyable {
  private let path: String
  private let descriptor: Int32
  private var pending: [(name: String, byteCount: Int)]

  /// Writes the header for the tensors that will follow in this order.
  init(
    _ url: URL, tensors: [(name: String, elementType: ElementType, shape: [Int])],
    metadata: [String: String]
  ) throws {
    path = url.path
    pending = tensors.map { ($0.name, $0.shape.reduce($0.elementType.byteCount, *)) }.reversed()
    descriptor = try Self.begin(path, Self.header(tensors, metadata, path: path))
  }

  private static func header(
    _ tensors: [(name: String, elementType: ElementType, shape: [Int])],
    _ metadata: [String: String], path: String
  ) throws -> Data {
    var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.shape.reduce(tensor.elementType.byteCount, *)
      header[tensor.name] = [
        "dtype": tensor.elementType.rawValue, "shape": tensor.shape, "data_offsets": [offset, end],
      ]
      offset = end
    }
    do {
      let json = try JSONSerialization.data(
        withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
      // Padded with spaces so that the data begins at a multiple of eight bytes.
      return json + Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    } catch {
      throw CheckpointError.unwritable(path: path, reason: "\(error)")
    }
  }

  /// Creates the file and writes the header; returns the open descriptor.
  private static func begin(_ path: String, _ header: Data) throws -> Int32 {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw CheckpointError.unwritable(path: path, reason: MappedFile.reason())
    }
    let length = unsafe withUnsafeBytes(of: UInt64(header.count).littleEndian) { unsafe Data($0) }
    let start = [UInt8](length + header)
    do {
      unsafe try start.withUnsafeBytes { bytes in
        unsafe try put(bytes, descriptor, path)
      }
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  deinit { close(descriptor) }

  /// Writes the next tensor's bytes.
  ///
  /// - Precondition: it is `name`'s turn and `bytes` has its size.
  mutating func append(_ name: String, _ bytes: UnsafeRawBufferPointer) throws {
    let next = pending.removeLast()
    precondition(next.name == name && next.byteCount == bytes.count)
    unsafe try Self.put(bytes, descriptor, path)
  }

  /// Forces everything to the disk.
  ///
  /// - Precondition: every announced tensor was written.
  func finish() throws {
    precondition(pending.isEmpty)
    guard fsync(descriptor) == 0 else {
      throw CheckpointError.unwritable(path: path, reason: MappedFile.reason())
    }
  }

  private static func put(
    _ bytes: UnsafeRawBufferPointer, _ descriptor: Int32, _ path: String
  ) throws {
    var offset = 0
    while offset < bytes.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset...])
      let written = unsafe write(descriptor, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else {
        throw CheckpointError.unwritable(path: path, reason: MappedFile.reason())
      }
      offset += written
    }
  }
}
