extension Library {
  /// The functions that every template has.
  static func functions() throws -> [String: Value] {
    var functions: [String: Value] = [:]
    for (name, body) in bodies { functions[name] = .function(try FunctionValue(name, body)) }
    return functions
  }

  private typealias Body = @Sendable (Arguments, Interpreter) throws -> Value

  private static let bodies: [String: Body] = [
    "raise_exception": { arguments, interpreter in
      let bound = try arguments.bound(to: ["message"], required: 1, of: "raise_exception")
      throw TemplateError(.raised, try bound.value("message").printed(interpreter).string)
    },
    "strftime_now": { arguments, interpreter in
      let bound = try arguments.bound(to: ["format"], required: 1, of: "strftime_now")
      let format = try bound.text("format") ?? Text()
      return .text(try DateText(interpreter.now, interpreter.timeZone).text(format, interpreter))
    },
    "range": { arguments, _ in try range(arguments) },
    "namespace": { arguments, interpreter in
      let namespace = interpreter.makeNamespace()
      for (name, value) in try members(arguments, of: "namespace", interpreter) {
        guard let name = name.text?.string else { continue }
        try checkNamespaceAttribute(name)
        namespace[name] = value
      }
      return .namespace(namespace)
    },
    "dict": { arguments, interpreter in
      .dictionary(try DictionaryValue(try members(arguments, of: "dict", interpreter)))
    },
    "cycler": { arguments, interpreter in try cycler(arguments, interpreter) },
    "joiner": { arguments, _ in
      let bound = try arguments.bound(to: ["sep"], of: "joiner")
      var isUsed = false
      return .function(
        try FunctionValue("joiner", of: bound["sep"]) { _, _ in
          defer { isUsed = true }
          return isUsed ? bound["sep"] ?? .string(", ") : .text(Text())
        })
    },
  ]

  private static func range(_ arguments: Arguments) throws -> Value {
    guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
      throw TemplateError.operation("'range' takes one to three plain arguments")
    }
    let numbers = try arguments.positional.map { value in
      if case .undefined(let undefined) = value { throw undefined.error }
      guard let number = value.integer else {
        throw TemplateError.operation("'range' expects integers, found \(value.kind)")
      }
      // Far enough out for every range to be refused, near enough to be counted.
      return number.int.map { min(max($0, -(1 << 61)), 1 << 61) }
        ?? (number.isNegative ? -(1 << 61) : 1 << 61)
    }
    let range = RangeValue(
      start: numbers.count == 1 ? 0 : numbers[0],
      stop: numbers.count == 1 ? numbers[0] : numbers[1],
      step: numbers.count == 3 ? numbers[2] : 1)
    guard range.step != 0 else { throw TemplateError.operation("a range's step cannot be zero") }
    guard range.count <= Limits.range else {
      throw TemplateError(.limit, "a range has more than \(Limits.range) elements")
    }
    return .range(range)
  }

  /// Pairs of a dictionary or of a sequence of pairs, then the named arguments.
  private static func members(
    _ arguments: Arguments, of function: String, _ interpreter: Interpreter
  ) throws -> [(key: Value, value: Value)] {
    guard arguments.positional.count <= 1 else {
      throw TemplateError.operation("'\(function)' takes at most one plain argument")
    }
    var members: [(key: Value, value: Value)] = []
    if case .dictionary(let dictionary) = arguments.positional.first {
      members = Array(zip(dictionary.keys, dictionary.values)).map { ($0.0, $0.1) }
    } else if let pairs = arguments.positional.first {
      for pair in try interpreter.items(of: pairs) {
        let items = try interpreter.items(of: pair)
        guard items.count == 2 else {
          throw TemplateError.operation("'\(function)' expects pairs, found \(items.count) items")
        }
        members.append((items[0], items[1]))
      }
    }
    return members + arguments.named.map { (.string($0.name), $0.value) }
  }

  /// A value of which `next()` goes round its items.
  private static func cycler(
    _ arguments: Arguments, _ interpreter: Interpreter
  ) throws -> Value {
    let items = arguments.positional
    guard !items.isEmpty else { throw TemplateError.operation("'cycler' needs an argument") }
    let cycler = interpreter.makeNamespace()
    var place = 0
    let all = Value.list(try ListValue(items))
    let step = { (change: @escaping () -> Value) in
      Value.function(
        try FunctionValue("cycler", of: all) { _, _ in
          defer { cycler["current"] = items[place] }
          return change()
        })
    }
    cycler["current"] = items[0]
    cycler["next"] = try step {
      defer { place = (place + 1) % items.count }
      return items[place]
    }
    cycler["reset"] = try step {
      place = 0
      return .none
    }
    return .namespace(cycler)
  }
}
