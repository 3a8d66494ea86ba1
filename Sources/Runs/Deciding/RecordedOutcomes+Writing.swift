package import Foundation
package import Support

/// Outcomes as JSON, a cell at a time: the bytes that `StableJSON` gives, without the room that it takes for
/// millions of them.
extension RecordedOutcomes {
  /// Those of no run, which stand for others in a text that is written around them.
  package static let placeholder = RecordedOutcomes(prompts: [:], cells: [:])

  /// How the placeholder is written at a depth.
  package static func placeholderText(indented depth: Int) throws -> Data {
    Self.indented(try StableJSON.encodePretty(placeholder).dropLast(), depth)
  }

  /// For people.
  ///
  /// - Parameter depth: how many values it stands in.
  package func write(to writer: inout FileWriter, indented depth: Int) throws {
    try write(depth) { try writer.write($0) }
  }

  /// Names them.
  package var digest: String {
    var digest = RunningDigest()
    // Texts and numbers are all that it holds; nothing of it can fail to encode.
    try? write(nil) { digest.update($0) }
    return digest.text
  }

  /// - Parameter depth: nil writes it in one line.
  private func write(_ depth: Int?, _ emit: (Data) throws -> Void) throws {
    let inner = depth.map { $0 + 1 }
    func open(_ name: String, _ depth: Int?) throws {
      try emit(Self.start(depth))
      try emit(try Self.name(name, depth))
    }
    try open("cells", depth)
    try Self.write(cells, inner, emit)
    try emit(Data(",".utf8))
    if let depth { try emit(Self.newLine(depth + 1)) }
    try emit(try Self.name("prompts", depth))
    try Self.write(prompts, inner, emit)
    if let depth { try emit(Self.newLine(depth)) }
    try emit(Data("}".utf8))
  }

  private static func write<Value: Encodable>(
    _ members: [String: Value], _ depth: Int?, _ emit: (Data) throws -> Void
  ) throws {
    guard !members.isEmpty else {
      guard let depth else { return try emit(Data("{}".utf8)) }
      return try emit(indented(try StableJSON.encodePretty(members).dropLast(), depth))
    }
    // In the encoder's own order.
    let order =
      try JSONNode(parsing: [UInt8](try StableJSON.encode(members.mapValues { _ in 0 })))
      .members ?? []
    try emit(start(depth))
    for (place, member) in order.enumerated() {
      guard let value = members[member.key] else { continue }
      if place > 0 {
        try emit(Data(",".utf8))
        if let depth { try emit(newLine(depth + 1)) }
      }
      try emit(try name(member.key, depth))
      if let depth {
        try emit(indented(try StableJSON.encodePretty(value).dropLast(), depth + 1))
      } else {
        try emit(try StableJSON.encode(value))
      }
    }
    if let depth { try emit(newLine(depth)) }
    try emit(Data("}".utf8))
  }

  private static func start(_ depth: Int?) -> Data {
    Data("{".utf8) + (depth.map { newLine($0 + 1) } ?? Data())
  }

  private static func name(_ name: String, _ depth: Int?) throws -> Data {
    try StableJSON.encode(name) + Data((depth == nil ? ":" : " : ").utf8)
  }

  private static func newLine(_ depth: Int) -> Data {
    Data("\n".utf8) + Data(repeating: UInt8(ascii: " "), count: 2 * depth)
  }

  /// With every line but the first, and empty ones, further in.
  private static func indented(_ text: Data, _ depth: Int) -> Data {
    let margin = [UInt8](repeating: UInt8(ascii: " "), count: 2 * depth)
    var result: [UInt8] = []
    result.reserveCapacity(text.count * 2)
    var isStart = false
    for byte in text {
      if isStart, byte != UInt8(ascii: "\n") { result += margin }
      isStart = byte == UInt8(ascii: "\n")
      result.append(byte)
    }
    return Data(result)
  }
}
