import Support

@testable import Checkpoints

/// The input is a header's JSON; the data behind it is taken to be as long as the header asks, so that
/// mutations reach what is checked last. Tensors of an accepted header cover the data once, and the
/// header written of them is accepted with the same tensors.
struct SafetensorsHeaderTarget: FuzzTarget {
  static let name = "safetensors-header"

  func run(_ bytes: [UInt8]) {
    guard let (header, dataByteCount) = parse(bytes) else { return }
    var end = 8 + bytes.count
    for tensor in header.tensors {
      check(tensor.byteRange.lowerBound == end, "tensors lie one behind the other")
      end = tensor.byteRange.upperBound
      let bytes = SafetensorsHeader.byteCount(shape: tensor.shape, dtype: tensor.dtype)
      check(bytes == tensor.byteRange.count, "a tensor has the bytes of its shape")
      _ = tensor.elementCount
    }
    check(end == 8 + bytes.count + dataByteCount, "tensors cover all of the data")

    let written = Array(header.json(dataStart: 8 + bytes.count).serialized.utf8)
    guard let again = try? SafetensorsHeader(json: written, dataByteCount: dataByteCount) else {
      return check(false, "a header written again is accepted")
    }
    check(again.metadata == header.metadata, "metadata come back")
    check(again.tensors.map(\.name) == header.tensors.map(\.name), "tensors come back in order")
  }

  private func parse(_ bytes: [UInt8]) -> (SafetensorsHeader, Int)? {
    do throws(SafetensorsHeader.Fault) {
      return (try SafetensorsHeader(json: bytes, dataByteCount: 1 << 40), 1 << 40)
    } catch {
      guard case .trailingBytes(let expected, _) = error else {
        _ = CheckpointError.header(file: "x", error).description
        return nil
      }
      guard let header = try? SafetensorsHeader(json: bytes, dataByteCount: expected) else {
        check(false, "a header is accepted with the data that it asks for")
        return nil
      }
      return (header, expected)
    }
  }
}

extension SafetensorsHeader {
  /// The header as it would be written.
  fileprivate func json(dataStart: Int) -> JSONNode {
    func integers(_ values: [Int]) -> JSONNode { .array(values.map { .number(String($0)) }) }
    let entries = tensors.map { tensor in
      JSONNode.Member(
        key: tensor.name,
        value: .object([
          .init(key: "dtype", value: .string(tensor.dtype.name)),
          .init(key: "shape", value: integers(tensor.shape)),
          .init(
            key: "data_offsets",
            value: integers([
              tensor.byteRange.lowerBound - dataStart, tensor.byteRange.upperBound - dataStart,
            ])),
        ]))
    }
    let strings = metadata.sorted { $0.key < $1.key }
      .map { JSONNode.Member(key: $0.key, value: .string($0.value)) }
    return .object([.init(key: "__metadata__", value: .object(strings))] + entries)
  }
}
