package import Foundation
import Support
import Synchronization

/// A tensor that is about to be written.
package struct TensorDeclaration: Hashable, Sendable {
  package let name: String
  package let dtype: DataType
  package let shape: [Int]

  package init(name: String, dtype: DataType, shape: [Int]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }

  package init(_ tensor: TensorDescription) {
    self.init(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape)
  }

  /// The same in float32, where it is of a narrower type that is computed on.
  func widened() -> TensorDeclaration {
    dtype.elementType == nil ? self : TensorDeclaration(name: name, dtype: .float32, shape: shape)
  }

  /// - Precondition: the shape is one that can be stored.
  var byteCount: Int {
    guard let count = SafetensorsHeader.byteCount(shape: shape, dtype: dtype) else {
      preconditionFailure("\(name): shape \(shape) and dtype \(dtype) cannot be stored")
    }
    return count
  }
}

/// Writes one safetensors file, tensor by tensor in any order, without holding more than one.
///
/// The file appears under its name only when `finish()` returns; until then it stands beside it as
/// `NAME.partial-…`, and it is removed if this goes away unfinished.
package final class SafetensorsWriter: @unchecked Sendable {
  // Unchecked: `write` may be called by several threads at once, each for tensors of its own;
  // `unwritten` is behind the lock, and the file's position is given with every write.
  private let file: OutputFile
  private let partial: PartialOutput?
  private let places: [String: (declaration: TensorDeclaration, offset: Int)]
  private let unwritten: Mutex<Set<String>>

  /// Values narrowed at a time, to bound the memory of a conversion (1 MiB of float32).
  private static let chunk = 1 << 18

  /// Creates the file and writes its header.
  ///
  /// - Parameters:
  ///   - url: the finished file.
  ///   - tensors: every tensor, in the order in which their bytes shall lie.
  ///   - metadata: the strings under `__metadata__`; transformers asks for `format`.
  ///   - replaceExisting: whether a file of that name may be replaced.
  /// - Precondition: names are unique.
  /// - Throws: `CheckpointError.fileSystem`.
  package convenience init(
    to url: URL, tensors: [TensorDeclaration], metadata: [String: String] = ["format": "pt"],
    replaceExisting: Bool = false
  ) throws(CheckpointError) {
    let partial = try PartialOutput(
      .file, at: url, needed: Self.byteCount(of: tensors), replaceExisting: replaceExisting)
    try self.init(path: partial.url.path, tensors: tensors, metadata: metadata, partial: partial)
  }

  /// Creates the file at its own path, inside a folder that is itself partial.
  ///
  /// - Parameters:
  ///   - done: tensors that stand in the file already; nil where it is new.
  ///   - isUncached: whether it goes past the system's cache.
  convenience init(
    inside folder: PartialOutput, fileName: String, tensors: [TensorDeclaration],
    metadata: [String: String] = ["format": "pt"], done: Set<String>? = nil,
    isUncached: Bool = false
  ) throws(CheckpointError) {
    try self.init(
      path: folder.url.appending(path: fileName).path, tensors: tensors, metadata: metadata,
      partial: nil, done: done, isUncached: isUncached)
  }

  private init(
    path: String, tensors: [TensorDeclaration], metadata: [String: String],
    partial: PartialOutput?, done: Set<String>? = nil, isUncached: Bool = false
  ) throws(CheckpointError) {
    let (header, dataStart) = Self.header(for: tensors, metadata: metadata)
    var places: [String: (declaration: TensorDeclaration, offset: Int)] = [:]
    var offset = dataStart
    for tensor in tensors {
      let previous = places.updateValue((tensor, offset), forKey: tensor.name)
      precondition(previous == nil, "tensor \(tensor.name) is declared twice")
      offset += tensor.byteCount
    }
    if done == nil || !FileManager.default.fileExists(atPath: path) {
      self.file = try OutputFile(creating: path, uncachedSize: isUncached ? offset : nil)
    } else {
      self.file = try OutputFile(continuing: path, uncachedSize: isUncached ? offset : nil)
    }
    self.partial = partial
    self.places = places
    // An empty tensor has no bytes to wait for.
    let waiting = Set(tensors.filter { $0.byteCount > 0 }.map(\.name)).subtracting(done ?? [])
    self.unwritten = Mutex(waiting)
    // A file that is continued has the same header, or none yet.
    if file.prefix(header.count) != header { try unsafe file.write(header.span.bytes, at: 0) }
  }

  static func byteCount(of tensors: [TensorDeclaration]) -> Int {
    tensors.reduce(0) { $0 + $1.byteCount }
  }

  /// The header's length and JSON, padded with spaces so that the data begins at a multiple of 8.
  private static func header(
    for tensors: [TensorDeclaration], metadata: [String: String]
  ) -> (bytes: [UInt8], dataStart: Int) {
    var members: [JSONNode.Member] = []
    if !metadata.isEmpty {
      let strings = metadata.sorted { $0.key < $1.key }
        .map { JSONNode.Member(key: $0.key, value: .string($0.value)) }
      members.append(JSONNode.Member(key: "__metadata__", value: .object(strings)))
    }
    var begin = 0
    for tensor in tensors {
      let end = begin + tensor.byteCount
      let entry: [JSONNode.Member] = [
        JSONNode.Member(key: "dtype", value: .string(tensor.dtype.name)),
        JSONNode.Member(key: "shape", value: .array(tensor.shape.map { .number("\($0)") })),
        JSONNode.Member(
          key: "data_offsets", value: .array([.number("\(begin)"), .number("\(end)")])),
      ]
      members.append(JSONNode.Member(key: tensor.name, value: .object(entry)))
      begin = end
    }
    var json = [UInt8](JSONNode.object(members).serialized.utf8)
    json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> ($0 * 8)) }
    return (length + json, 8 + json.count)
  }

  /// Names declared and not yet written, sorted.
  package var remaining: [String] { unwritten.withLock { $0.sorted() } }

  /// Writes a tensor's bytes as they are: row-major, little-endian, of the declared dtype.
  ///
  /// - Precondition: the tensor is declared, has that many bytes, and was not written before.
  /// - Throws: `CheckpointError.fileSystem`.
  package func write(_ bytes: RawSpan, of name: String) throws(CheckpointError) {
    let (declaration, offset) = place(of: name)
    precondition(bytes.byteCount == declaration.byteCount, "tensor \(name) has another byte count")
    try file.write(bytes, at: offset)
    finishWriting(declaration, at: offset)
  }

  /// Writes a tensor's values, row-major, narrowed to the declared dtype (to nearest even).
  ///
  /// - Precondition: the tensor is declared as F32, F16 or BF16, has that many values, and was not
  ///   written before.
  /// - Throws: `CheckpointError.fileSystem`.
  package func write(_ values: [Float], of name: String) throws(CheckpointError) {
    let (declaration, start) = place(of: name)
    guard let elementType = declaration.dtype.elementType else {
      preconditionFailure("tensor \(name) is declared as \(declaration.dtype)")
    }
    precondition(values.count * elementType.byteCount == declaration.byteCount)
    var offset = start
    for lower in stride(from: 0, to: values.count, by: Self.chunk) {
      let upper = min(lower + Self.chunk, values.count)
      let bytes = elementType.narrow(values[lower..<upper])
      try unsafe file.write(bytes.span.bytes, at: offset)
      offset += bytes.count
    }
    finishWriting(declaration, at: start)
  }

  /// Writes values that are made piece by piece, narrowed to the declared dtype (to nearest even).
  ///
  /// - Parameters:
  ///   - unit: pieces begin at multiples of so many values, such as a row's length.
  ///   - most: values of a piece, a multiple of the unit; nil takes about as many as are written at a time.
  ///   - fill: puts the values of a range into the span, which is as long.
  /// - Precondition: as for an array of values, whose count is a multiple of `unit`.
  /// - Throws: `CheckpointError.fileSystem`; what `fill` throws.
  package func write(
    _ name: String, inPiecesOf unit: Int, most: Int? = nil,
    _ fill: (Range<Int>, inout MutableSpan<Float>) throws -> Void
  ) throws {
    let (declaration, start) = place(of: name)
    guard let elementType = declaration.dtype.elementType else {
      preconditionFailure("tensor \(name) is declared as \(declaration.dtype)")
    }
    let count = declaration.byteCount / elementType.byteCount
    let most = min(count, most ?? max(unit, Self.chunk / unit * unit))
    var values = [Float](repeating: 0, count: most)
    let buffer = BlockBuffer()
    let mostAtOnce = BlockBuffer.capacity / elementType.byteCount
    for lower in stride(from: 0, to: count, by: most) {
      let range = lower..<min(lower + most, count)
      // The last piece may be shorter.
      values.removeLast(values.count - range.count)
      var piece = values.mutableSpan
      try fill(range, &piece)
      for first in stride(from: 0, to: range.count, by: mostAtOnce) {
        let part = first..<min(first + mostAtOnce, range.count)
        let offset = start + (lower + first) * elementType.byteCount
        let byteCount = part.count * elementType.byteCount
        unsafe values.withUnsafeBufferPointer { values in
          unsafe elementType.narrow(
            UnsafeBufferPointer(rebasing: values[part]),
            into: UnsafeMutableRawBufferPointer(
              start: buffer.start + offset % BlockBuffer.block, count: byteCount))
        }
        try file.write(buffer, count: byteCount, at: offset)
      }
    }
    finishWriting(declaration, at: start)
  }

  private func finishWriting(_ declaration: TensorDeclaration, at offset: Int) {
    file.startWriting(at: offset, count: declaration.byteCount)
    unwritten.withLock { _ = $0.remove(declaration.name) }
  }

  private func place(of name: String) -> (declaration: TensorDeclaration, offset: Int) {
    guard let place = places[name] else { preconditionFailure("tensor \(name) is not declared") }
    precondition(
      unwritten.withLock { $0.contains(name) } || place.declaration.byteCount == 0,
      "tensor \(name) is written twice")
    return place
  }

  /// Puts the file on the disk and gives it its name.
  ///
  /// - Precondition: every declared tensor was written.
  /// - Throws: `CheckpointError.fileSystem`.
  package func finish() throws(CheckpointError) {
    let missing = remaining
    precondition(missing.isEmpty, "not written: \(missing.joined(separator: ", "))")
    try file.synchronize()
    try partial?.commit()
  }
}
