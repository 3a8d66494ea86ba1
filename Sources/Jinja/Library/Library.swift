/// The filters, tests, functions and methods of the language, by their names.
enum Library {
  /// A filter or test: what it takes beside the value, and what it does.
  struct Operation<Result>: Sendable {
    private let run: @Sendable (String, Value, Arguments, Interpreter) throws -> Result

    /// With named parameters, of which the first `required` must be given.
    init(
      _ parameters: [String] = [], required: Int = 0,
      _ body: @escaping @Sendable (Value, BoundArguments, Interpreter) throws -> Result
    ) {
      run = { name, value, arguments, interpreter in
        try body(
          value, try arguments.bound(to: parameters, required: required, of: name), interpreter)
      }
    }

    private init(run: @escaping @Sendable (String, Value, Arguments, Interpreter) throws -> Result)
    {
      self.run = run
    }

    /// With whatever it is given.
    static func open(
      _ body: @escaping @Sendable (Value, Arguments, Interpreter) throws -> Result
    ) -> Self {
      Self(run: { _, value, arguments, interpreter in try body(value, arguments, interpreter) })
    }

    func apply(
      _ name: String, _ value: Value, _ arguments: Arguments, _ interpreter: Interpreter
    ) throws -> Result {
      try run(name, value, arguments, interpreter)
    }
  }

  typealias Filter = Operation<Value>
  typealias Test = Operation<Bool>

  static let filters: [String: Filter] = textFilters.merging(sequenceFilters) { $1 }
    .merging(numberFilters) { $1 }.merging(selectingFilters) { $1 }

  /// Attributes of namespaces are the template's own, but for those that Python reserves.
  static func checkNamespaceAttribute(_ name: String) throws {
    if name.hasPrefix("_") {
      throw TemplateError(
        .forbidden, "a namespace takes no attribute that begins with '_', found '\(name)'")
    }
  }

  /// Whether a method exists that would change its list or dictionary.
  static func isForbidden(_ name: String, of value: Value) -> Bool {
    switch value {
    case .list:
      ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"].contains(name)
    case .dictionary: ["clear", "pop", "popitem", "setdefault", "update"].contains(name)
    default: false
    }
  }

  static func method(_ name: String, of value: Value) throws -> Value? {
    switch value {
    case .text(let text):
      return try textMethods[name].map { try method(name, $0, of: value, text) }
    case .list(let list):
      return try listMethods[name].map { try method(name, $0, of: value, list) }
    case .tuple(let tuple):
      return try tupleMethods[name].map { try method(name, $0, of: value, tuple) }
    case .dictionary(let dictionary):
      return try dictionaryMethods[name].map { try method(name, $0, of: value, dictionary) }
    default: return nil
    }
  }

  /// A method of values that are held as `Receiver`.
  struct Method<Receiver>: Sendable {
    let run: @Sendable (String, Receiver, Arguments, Interpreter) throws -> Value

    init(
      _ parameters: [String] = [], required: Int = 0,
      _ body: @escaping @Sendable (Receiver, BoundArguments, Interpreter) throws -> Value
    ) {
      run = { name, receiver, arguments, interpreter in
        try body(
          receiver, try arguments.bound(to: parameters, required: required, of: name), interpreter)
      }
    }

    private init(
      run: @escaping @Sendable (String, Receiver, Arguments, Interpreter) throws -> Value
    ) {
      self.run = run
    }

    static func open(
      _ body: @escaping @Sendable (Receiver, Arguments, Interpreter) throws -> Value
    ) -> Self {
      Self(run: { _, receiver, arguments, interpreter in
        try body(receiver, arguments, interpreter)
      })
    }
  }

  private static func method<Receiver>(
    _ name: String, _ method: Method<Receiver>, of value: Value, _ receiver: Receiver
  ) throws -> Value {
    .function(
      try FunctionValue("built-in method \(name)", of: value) { arguments, interpreter in
        try method.run("'\(name)'", receiver, arguments, interpreter)
      })
  }
}
