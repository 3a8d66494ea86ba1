/// What a call hands over.
struct Arguments {
  var positional: [Value] = []
  var named: [(name: String, value: Value)] = []

  init(_ positional: [Value] = [], named: [(name: String, value: Value)] = []) {
    self.positional = positional
    self.named = named
  }

  /// The arguments by the names of a function's parameters.
  ///
  /// - Throws: Where there are more than the parameters, an unknown or doubled name, or fewer than
  ///   `required`.
  func bound(
    to parameters: [String], required: Int = 0, of function: String
  ) throws -> BoundArguments {
    guard positional.count <= parameters.count else {
      throw TemplateError.operation(
        "\(function) takes at most \(parameters.count) arguments, found \(positional.count)")
    }
    var values = Dictionary(uniqueKeysWithValues: zip(parameters, positional))
    for (name, value) in named {
      guard parameters.contains(name) else {
        throw TemplateError.operation("\(function) takes no argument named '\(name)'")
      }
      guard values.updateValue(value, forKey: name) == nil else {
        throw TemplateError.operation("\(function) is given its argument '\(name)' twice")
      }
    }
    if let missing = parameters.prefix(required).first(where: { values[$0] == nil }) {
      throw TemplateError.operation("\(function) needs the argument '\(missing)'")
    }
    return BoundArguments(function: function, values: values)
  }
}

/// Arguments by their parameters' names, read by type.
struct BoundArguments {
  let function: String
  let values: [String: Value]

  subscript(name: String) -> Value? { values[name] }

  /// An argument that `bound` required.
  func value(_ name: String) -> Value { values[name] ?? .none }

  func isTrue(_ name: String, default standard: Bool = false) -> Bool {
    values[name].map(\.isTrue) ?? standard
  }

  /// Given and not none.
  func given(_ name: String) -> Value? {
    guard let value = values[name], !value.isNone else { return nil }
    return value
  }

  func text(_ name: String) throws -> Text? {
    guard let value = values[name] else { return nil }
    guard let text = value.text else { throw mismatch(name, value, "a string") }
    return text
  }

  func integer(_ name: String) throws -> Int? {
    guard let value = values[name] else { return nil }
    if case .undefined(let undefined) = value { throw undefined.error }
    guard let integer = value.integer else { throw mismatch(name, value, "an integer") }
    // What does not fit lies beyond every text and list.
    return integer.int ?? (integer.isNegative ? .min / 4 : .max / 4)
  }

  func mismatch(_ name: String, _ value: Value, _ expected: String) -> TemplateError {
    .operation("\(function) expects \(expected) as '\(name)', found \(value.kind)")
  }
}
