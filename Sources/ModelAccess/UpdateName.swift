/// The name of one update of a study: what requests choose it by, and what its files are called.
///
/// It is one component of a path, so no name can reach another folder: letters, digits and
/// `-_.:@+=~`, at most 128 of them, the first a letter or a digit.
package struct UpdateName: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  package var description: String { text }

  private static let longest = 128
  private static let marks = Set<UInt8>("-_.:@+=~".utf8)

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  /// nil where the text is no name.
  package init?(_ text: String) {
    guard let first = text.utf8.first, Self.isPlain(first), text.utf8.count <= Self.longest,
      text.utf8.allSatisfy({ Self.isPlain($0) || Self.marks.contains($0) })
    else { return nil }
    self.text = text
  }

  /// A name like a text of any kind: what a name cannot hold becomes `-`. Different texts may get
  /// equal names; whoever gives names tells them apart.
  package init(resembling label: String) {
    let bytes = label.utf8.map {
      Self.isPlain($0) || Self.marks.contains($0) ? $0 : UInt8(ascii: "-")
    }
    let start = bytes.drop { !Self.isPlain($0) }.prefix(Self.longest - 16)
    text = start.isEmpty ? "update" : String(decoding: start, as: UTF8.self)
  }
}

extension UpdateName: ExpressibleByStringLiteral {
  /// - Precondition: the literal is a name.
  package init(stringLiteral value: String) {
    guard let name = UpdateName(value) else {
      preconditionFailure("\(value) is no update's name")
    }
    self = name
  }
}

extension UpdateName: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    // Files of earlier versions have names of other characters; they are only read, never paths.
    self = UpdateName(text) ?? UpdateName(resembling: text)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// One scaled low-rank update on top of the served checkpoint: the update's name and its scale.
package struct ScaledUpdate: Codable, Hashable, Sendable {
  package var name: UpdateName
  package var scale: Double

  package init(name: UpdateName, scale: Double) {
    self.name = name
    self.scale = scale
  }
}

extension [ScaledUpdate] {
  /// The stack for messages: `lox-r6 × 1.25 + identity-shift × 1`.
  package var label: String {
    isEmpty ? "the bare model" : map { "\($0.name) × \($0.scale)" }.joined(separator: " + ")
  }
}
