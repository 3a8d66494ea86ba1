import Support

/// One parameter's value of a defence or an attack, as it stands in files.
package enum Setting: Hashable, Sendable {
  case integer(Int)
  case number(Double)
  case flag(Bool)
  case text(String)

  /// As people write it: `6`, `0.5`, `true`, `full`.
  package var text: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): Number.text(value)
    case .flag(let value): "\(value)"
    case .text(let value): value
    }
  }
}

extension Setting: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    }
  }
}

extension [String: Setting] {
  /// `rank=6 targets=all`, in the order of the names.
  package var text: String {
    sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.text)" }.joined(separator: " ")
  }
}
