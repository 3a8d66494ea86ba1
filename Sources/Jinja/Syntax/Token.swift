/// A piece of a template's text.
struct Token: Sendable {
  enum Kind: Hashable, Sendable {
    /// Text outside of tags, as it is to be written.
    case data(String)
    case variableBegin, variableEnd
    case blockBegin, blockEnd
    case name(String)
    case string(String)
    case integer(Integer)
    case float(Double)
    case symbol(String)
    case end
  }

  var kind: Kind
  var location: Location
}

extension Token.Kind: CustomStringConvertible {
  /// What error messages call the token.
  var description: String {
    switch self {
    case .data: "text"
    case .variableBegin: "'{{'"
    case .variableEnd: "'}}'"
    case .blockBegin: "'{%'"
    case .blockEnd: "'%}'"
    case .name(let name): "'\(name)'"
    case .string: "a string"
    case .integer, .float: "a number"
    case .symbol(let symbol): "'\(symbol)'"
    case .end: "the end of the template"
    }
  }
}
