import Foundation

/// The JSON header of a safetensors file, checked entry by entry.
struct SafetensorsHeader {
  private struct Entry {
    let name: String
    let elementType: ElementType
    let shape: [Int]
    let offsets: [Int]
  }

  private(set) var metadata: [String: String] = [:]
  private var entries: [Entry] = []
  private let file: String

  init(_ json: Data, file: String) throws(CheckpointError) {
    self.file = file
    guard json.first == UInt8(ascii: "{") else {
      throw .headerNotJSON(file: file, reason: "something that does not begin with {")
    }
    let decoded: Any
    do {
      decoded = try JSONSerialization.jsonObject(with: json)
    } catch {
      throw .headerNotJSON(file: file, reason: "text that does not parse")
    }
    guard let object = decoded as? [String: Any] else {
      throw .headerNotJSON(file: file, reason: "another JSON value")
    }
    // A dictionary keeps one of two equal names without a word, so names are counted in the text.
    var seen: Set<String> = []
    for name in Self.topLevelNames(of: json) where !seen.insert(name).inserted {
      throw .duplicateTensor(file: file, name: name)
    }
    for (name, value) in object.sorted(by: { $0.key < $1.key }) {
      if name == "__metadata__" {
        guard let strings = value as? [String: String] else {
          throw .malformedEntry(
            file: file, name: name, reason: "expected strings by name, found something else")
        }
        metadata = strings
      } else {
        entries.append(try entry(name, value))
      }
    }
  }

  private func entry(_ name: String, _ value: Any) throws(CheckpointError) -> Entry {
    guard let fields = value as? [String: Any],
      Set(fields.keys) == ["dtype", "shape", "data_offsets"]
    else {
      throw .malformedEntry(
        file: file, name: name,
        reason: "expected an object with exactly dtype, shape and data_offsets")
    }
    guard let type = fields["dtype"] as? String else {
      throw .malformedEntry(file: file, name: name, reason: "expected dtype to be a string")
    }
    guard let elementType = ElementType(rawValue: type) else {
      throw .unknownElementType(file: file, name: name, found: type)
    }
    return Entry(
      name: name, elementType: elementType,
      shape: try integers(fields["shape"], "shape", of: name),
      offsets: try integers(fields["data_offsets"], "data_offsets", of: name))
  }

  private func integers(
    _ value: Any?, _ field: String, of name: String
  ) throws(CheckpointError) -> [Int] {
    let reason = "expected \(field) to be a list of whole numbers from 0 to 2^63 - 1"
    guard let list = value as? [Any] else {
      throw .malformedEntry(file: file, name: name, reason: reason)
    }
    var result: [Int] = []
    for element in list {
      // true and false are numbers of the C type char.
      guard let number = element as? NSNumber, unsafe number.objCType.pointee != CChar(99),
        let integer = Int(exactly: number), integer >= 0
      else {
        throw .malformedEntry(
          file: file, name: name, reason: "\(reason), found \(element) among them")
      }
      result.append(integer)
    }
    return result
  }

  /// Checks every entry against the data and puts them in the order of their bytes.
  func place(from start: Int, dataByteCount: Int) throws(CheckpointError) -> [TensorDescription] {
    var result: [TensorDescription] = []
    for entry in entries {
      guard entry.offsets.count == 2, entry.offsets[0] <= entry.offsets[1],
        entry.offsets[1] <= dataByteCount
      else {
        throw .offsetsOutOfRange(
          file: file, name: entry.name, offsets: entry.offsets, dataByteCount: dataByteCount)
      }
      var size = entry.elementType.byteCount
      for dimension in entry.shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
        guard !overflow else {
          throw .shapeOverflow(file: file, name: entry.name, shape: entry.shape)
        }
        size = product
      }
      let found = entry.offsets[1] - entry.offsets[0]
      guard size == found else {
        throw .byteCountMismatch(file: file, name: entry.name, expected: size, found: found)
      }
      result.append(
        TensorDescription(
          name: entry.name, elementType: entry.elementType, shape: entry.shape,
          byteRange: start + entry.offsets[0]..<start + entry.offsets[1]))
    }
    // Empty tensors first where they share an offset with another.
    result.sort {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound, $0.name)
        < ($1.byteRange.lowerBound, $1.byteRange.upperBound, $1.name)
    }
    var end = start
    for (index, tensor) in result.enumerated() {
      let begin = tensor.byteRange.lowerBound
      if begin < end {
        throw .overlap(
          file: file, first: result[index - 1].name, second: tensor.name, at: begin - start)
      }
      if begin > end {
        throw .gap(file: file, before: tensor.name, from: end - start, to: begin - start)
      }
      end = tensor.byteRange.upperBound
    }
    if end < start + dataByteCount {
      throw .trailingBytes(file: file, count: start + dataByteCount - end)
    }
    return result
  }

  /// The names of the outermost object, in order, of a text that is known to be valid JSON.
  private static func topLevelNames(of json: Data) -> [String] {
    var names: [String] = []
    var depth = 0
    var index = json.startIndex
    var expectsName = false
    while index < json.endIndex {
      let byte = json[index]
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        expectsName = depth == 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
      case UInt8(ascii: ","):
        expectsName = depth == 1
      case UInt8(ascii: "\""):
        let begin = index
        index += 1
        while index < json.endIndex, json[index] != UInt8(ascii: "\"") {
          index += json[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        if expectsName, index < json.endIndex {
          // Decoded, since two spellings (\u0061 and a) can be one name.
          let literal = json[begin...index]
          let decoded = try? JSONSerialization.jsonObject(with: literal, options: .fragmentsAllowed)
          names.append(decoded as? String ?? String(decoding: literal, as: UTF8.self))
          expectsName = false
        }
      default:
        break
      }
      index += 1
    }
    return names
  }
}
