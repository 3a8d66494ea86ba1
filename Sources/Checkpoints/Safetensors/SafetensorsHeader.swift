import Support

/// The validated header of a safetensors file: every tensor's place, with nothing between, over or
/// beyond them.
///
/// Format: 8 bytes little-endian header length N, N bytes of JSON, then the data.
struct SafetensorsHeader: Equatable {
  typealias Fault = CheckpointError.HeaderFault

  /// The longest header that the format allows.
  static let lengthLimit = 100_000_000

  /// Tensors in the order of their bytes.
  let tensors: [TensorDescription]
  /// The strings under `__metadata__`.
  let metadata: [String: String]

  /// - Parameters:
  ///   - json: the header's bytes, without the length before them.
  ///   - dataByteCount: how many bytes follow the header.
  init(json: [UInt8], dataByteCount: Int) throws(Fault) {
    guard String(validating: json, as: UTF8.self) != nil else { throw .notUTF8 }
    let node: JSONNode
    do throws(JSONNode.SyntaxError) {
      node = try JSONNode(parsing: json)
    } catch {
      throw .notJSON(reason: error.reason, offset: error.offset)
    }
    guard let members = node.members else { throw .notAnObject(found: node.excerpt) }
    if let name = node.duplicateKey { throw .duplicateTensor(name: name) }

    let dataStart = 8 + json.count
    var tensors: [TensorDescription] = []
    var metadata: [String: String] = [:]
    for member in members {
      if member.key == "__metadata__" {
        metadata = try Self.parseMetadata(member.value)
      } else {
        tensors.append(
          try Self.parseTensor(
            member.key, member.value, dataStart: dataStart, dataByteCount: dataByteCount))
      }
    }
    tensors.sort { Self.storageOrder($0) < Self.storageOrder($1) }
    try Self.checkContiguous(tensors, dataStart: dataStart, dataByteCount: dataByteCount)
    self.tensors = tensors
    self.metadata = metadata
  }

  private static func storageOrder(_ tensor: TensorDescription) -> (Int, Int, String) {
    (tensor.byteRange.lowerBound, tensor.byteRange.upperBound, tensor.name)
  }

  private static func parseMetadata(_ node: JSONNode) throws(Fault) -> [String: String] {
    if node == .null { return [:] }
    guard let members = node.members, node.duplicateKey == nil else {
      throw .metadataInvalid(found: node.excerpt)
    }
    var metadata: [String: String] = [:]
    for member in members {
      guard let text = member.value.text else {
        throw .metadataInvalid(found: "\(member.value.excerpt) under \(member.key)")
      }
      metadata[member.key] = text
    }
    return metadata
  }

  private static func parseTensor(
    _ name: String, _ node: JSONNode, dataStart: Int, dataByteCount: Int
  ) throws(Fault) -> TensorDescription {
    guard let members = node.members else {
      throw .entryNotAnObject(tensor: name, found: node.excerpt)
    }
    if let key = node.duplicateKey { throw .duplicateKey(tensor: name, key: key) }
    let known = ["dtype", "shape", "data_offsets"]
    if let member = members.first(where: { !known.contains($0.key) }) {
      throw .unexpectedKey(tensor: name, key: member.key)
    }
    func value(_ key: String) throws(Fault) -> JSONNode {
      guard let value = node[key] else { throw .missingKey(tensor: name, key: key) }
      return value
    }

    let typeNode = try value("dtype")
    guard let dtype = typeNode.text.flatMap(DataType.init(named:)) else {
      throw .unknownDataType(tensor: name, found: typeNode.excerpt)
    }
    let shapeNode = try value("shape")
    guard let shape = shapeNode.countingNumbers else {
      throw .shapeInvalid(tensor: name, found: shapeNode.excerpt)
    }
    let offsetsNode = try value("data_offsets")
    guard let offsets = offsetsNode.countingNumbers, offsets.count == 2 else {
      throw .offsetsInvalid(tensor: name, found: offsetsNode.excerpt)
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else { throw .offsetsReversed(tensor: name, begin: begin, end: end) }
    guard let expected = Self.byteCount(shape: shape, dtype: dtype) else {
      throw .shapeTooLarge(tensor: name, shape: shape, dtype: dtype)
    }
    guard end - begin == expected else {
      throw .byteCountMismatch(
        tensor: name, shape: shape, dtype: dtype, expected: expected, found: end - begin)
    }
    guard end <= dataByteCount else {
      throw .dataBeyondEnd(tensor: name, end: end, available: dataByteCount)
    }
    return TensorDescription(
      name: name, dtype: dtype, shape: shape, byteRange: dataStart + begin..<dataStart + end)
  }

  /// Bytes of a tensor; nil where they cannot be counted or end inside a byte.
  static func byteCount(shape: [Int], dtype: DataType) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { return nil }
      count = product
    }
    return dtype.byteCount(of: count)
  }

  private static func checkContiguous(
    _ tensors: [TensorDescription], dataStart: Int, dataByteCount: Int
  ) throws(Fault) {
    var end = 0
    var previous = ""
    for tensor in tensors {
      let begin = tensor.byteRange.lowerBound - dataStart
      guard begin >= end else {
        throw .overlap(tensor: tensor.name, begin: begin, other: previous, otherEnd: end)
      }
      guard begin == end else { throw .gap(tensor: tensor.name, begin: begin, expected: end) }
      end = tensor.byteRange.upperBound - dataStart
      previous = tensor.name
    }
    guard end == dataByteCount else {
      throw .trailingBytes(expected: end, found: dataByteCount)
    }
  }
}

extension JSONNode {
  /// An array of integers of 0 or more.
  fileprivate var countingNumbers: [Int]? {
    guard let elements else { return nil }
    let numbers = elements.compactMap(\.integer)
    return numbers.count == elements.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
  }
}
