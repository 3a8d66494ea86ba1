/// A value or a list of them, where a file or request may hold either.
package struct OneOrMany<Element> {
  package var elements: [Element]

  package init(_ elements: [Element]) { self.elements = elements }
}

extension OneOrMany: Sendable where Element: Sendable {}
extension OneOrMany: Equatable where Element: Equatable {}

extension OneOrMany: Decodable where Element: Decodable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let one = try? container.decode(Element.self) {
      elements = [one]
    } else {
      elements = try container.decode([Element].self)
    }
  }
}

extension OneOrMany: Encodable where Element: Encodable {
  /// A single value is written without a list around it.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if elements.count == 1 {
      try container.encode(elements[0])
    } else {
      try container.encode(elements)
    }
  }
}
