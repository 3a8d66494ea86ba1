import Foundation
import Support

/// Spoils files as disks, editors, programs and people do: bytes, structure, values, encodings.
package struct Mutator {
  private var generator: SplitMix64

  /// - Parameter seed: equal seeds spoil alike.
  package init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  private mutating func number(below limit: Int) -> Int {
    limit < 1 ? 0 : Int(generator.next() % UInt64(limit))
  }

  /// A spoiled copy.
  ///
  /// - Parameter headed: whether the text of a header stands behind eight bytes of its length, which
  ///   are then made to fit, mostly.
  package mutating func spoil(_ bytes: [UInt8], headed: Bool = false) -> [UInt8] {
    if headed, bytes.count > 8, number(below: 3) > 0 {
      let length = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
      guard bytes.count >= 8 + length else { return spoilBytes(bytes) }
      let header = spoil(Array(bytes[8..<8 + length]))
      let size = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) }
      return size + header + bytes[(8 + length)...]
    }
    switch number(below: 8) {
    case 0, 1: return spoilBytes(bytes)
    case 2: return spoilEncoding(bytes)
    case 3: return spoilNumber(bytes)
    default: return spoilStructure(bytes)
    }
  }

  private mutating func spoilBytes(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    let place = number(below: bytes.count)
    let end = min(bytes.count, place + 1 + number(below: 40))
    switch number(below: 6) {
    case 0: return Array(bytes[..<place])
    case 1: return Array(bytes[..<place] + bytes[end...])
    case 2: return Array(bytes[..<end] + bytes[place...])
    case 3:
      let noise = (0..<1 + number(below: 8)).map { _ in
        UInt8(truncatingIfNeeded: number(below: 256))
      }
      result.insert(contentsOf: noise, at: place)
    case 4:
      for _ in 0..<1 + number(below: 8) where !result.isEmpty {
        result[number(below: result.count)] ^= UInt8(1) << UInt8(number(below: 8))
      }
    default:
      let other = number(below: bytes.count)
      if !result.isEmpty { result.swapAt(place, other) }
    }
    return result
  }

  private mutating func spoilEncoding(_ bytes: [UInt8]) -> [UInt8] {
    let text = String(decoding: bytes, as: UTF8.self)
    switch number(below: 8) {
    case 0: return [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    case 1: return [0xEF, 0xBB, 0xBF] + bytes
    case 2: return Array(text.replacing("\n", with: "\r\n").utf8)
    case 3: return Array(text.replacing("\n", with: "\r").utf8)
    case 4: return Array(text.replacing("\"", with: "\"\\ud800", maxReplacements: 3).utf8)
    case 5: return [0] + bytes
    case 6: return bytes + [0xC3, 0x28]
    default: return Array(text.replacing("e", with: "\u{0}é\u{202E}", maxReplacements: 5).utf8)
    }
  }

  private static let numbers = [
    "-1", "0", "1e308", "1e999", "-0", "2147483648", "4294967296", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "1e-320", "0.5", "NaN",
    "1" + String(repeating: "0", count: 400),
  ]

  /// Puts an extreme number in the place of one that is written somewhere.
  private mutating func spoilNumber(_ bytes: [UInt8]) -> [UInt8] {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    let starts = bytes.indices.filter { isDigit(bytes[$0]) && ($0 == 0 || !isDigit(bytes[$0 - 1])) }
    guard !starts.isEmpty else { return spoilBytes(bytes) }
    let start = starts[number(below: starts.count)]
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    return bytes[..<start] + Array(Self.numbers[number(below: Self.numbers.count)].utf8)
      + bytes[end...]
  }

  /// Changes a value somewhere in a JSON text, or in a line of one.
  private mutating func spoilStructure(_ bytes: [UInt8]) -> [UInt8] {
    if let node = try? JSONNode(parsing: bytes) { return Array(spoil(node).serialized.utf8) }
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map(Array.init)
    let place = number(below: lines.count)
    guard let node = try? JSONNode(parsing: lines[place]) else { return spoilBytes(bytes) }
    lines[place] = Array(spoil(node).serialized.utf8)
    return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  private mutating func spoil(_ node: JSONNode) -> JSONNode {
    // Deeper more often than not.
    switch node {
    case .object(var members) where !members.isEmpty && number(below: 6) > 0:
      let place = number(below: members.count)
      switch number(below: 8) {
      case 0: members.remove(at: place)
      case 1: members.append(members[place])
      case 2:
        members[place] = JSONNode.Member(key: members[place].key + "x", value: members[place].value)
      case 3:
        let other = number(below: members.count)
        let (a, b) = (members[place], members[other])
        members[place] = JSONNode.Member(key: a.key, value: b.value)
        members[other] = JSONNode.Member(key: b.key, value: a.value)
      default:
        members[place] = JSONNode.Member(
          key: members[place].key, value: spoil(members[place].value))
      }
      return .object(members)
    case .array(var elements) where !elements.isEmpty && number(below: 6) > 0:
      let place = number(below: elements.count)
      switch number(below: 6) {
      case 0: elements.remove(at: place)
      case 1: elements.append(elements[place])
      default: elements[place] = spoil(elements[place])
      }
      return .array(elements)
    default: return value()
    }
  }

  private mutating func value() -> JSONNode {
    switch number(below: 12) {
    case 0: return .null
    case 1: return .boolean(number(below: 2) == 0)
    case 2: return .string("")
    case 3: return .string("\u{1B}[31m\n::error::\u{202E}")
    case 4: return .string(String(repeating: "x", count: 5_000))
    case 5: return .array([])
    case 6: return .object([])
    case 7: return .array([.null, .number("1"), .string("a")])
    case 8: return (0..<100).reduce(.null) { node, _ in .array([node]) }
    case 9: return .string("../../etc/passwd")
    default: return .number(Self.numbers[number(below: Self.numbers.count)])
    }
  }
}
