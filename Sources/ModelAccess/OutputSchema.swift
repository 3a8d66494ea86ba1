/// The JSON object that a reply must be, for servers that can hold a model to it.
///
/// Fields are sent in the order of their names, and servers generate them in that order: what the
/// model should think about first needs a name that comes first.
package struct OutputSchema: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case text
    case boolean
    case integer(ClosedRange<Int>)
  }

  package var name: String
  /// All are required; others are forbidden.
  package var fields: [String: Kind]

  package init(name: String, fields: [String: Kind]) {
    self.name = name
    self.fields = fields
  }
}

extension OutputSchema: Encodable {
  private enum Key: String, CodingKey {
    case type, properties, required, additionalProperties
  }

  private struct Property: Encodable {
    var type: String
    var values: [Int]?

    enum CodingKeys: String, CodingKey {
      case type
      case values = "enum"
    }

    init(_ kind: Kind) {
      switch kind {
      case .text: type = "string"
      case .boolean: type = "boolean"
      case .integer(let range): (type, values) = ("integer", Array(range))
      }
    }
  }

  /// As JSON Schema.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode("object", forKey: .type)
    try container.encode(fields.mapValues(Property.init), forKey: .properties)
    try container.encode(fields.keys.sorted(), forKey: .required)
    try container.encode(false, forKey: .additionalProperties)
  }
}
