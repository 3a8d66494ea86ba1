package import Foundation

/// JSON whose bytes follow from the value alone: keys in order, slashes as they are. What is digested,
/// compared or kept is written so.
package enum StableJSON {
  private static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }

  /// In one line.
  package static func encode(_ value: some Encodable) throws -> Data {
    try encoder().encode(value)
  }

  /// For people: a line for each member, and one at the end.
  package static func encodePretty(_ value: some Encodable) throws -> Data {
    let encoder = encoder()
    encoder.outputFormatting.insert(.prettyPrinted)
    return try encoder.encode(value) + Data("\n".utf8)
  }
}
