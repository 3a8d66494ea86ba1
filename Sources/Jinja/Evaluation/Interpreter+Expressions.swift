/// The values of expressions.
extension Interpreter {
  func evaluate(_ expression: Expression) throws -> Value {
    do {
      try charge(1)
      return try nested { try value(of: expression) }
    } catch var error as TemplateError where error.location == nil {
      error.location = expression.location
      throw error
    }
  }

  private func value(of expression: Expression) throws -> Value {
    switch expression.kind {
    case .literal(let literal): return Value(literal)
    case .name(let name): return lookUp(name)
    case .list(let items): return .list(try ListValue(try items.map(evaluate)))
    case .tuple(let items): return .tuple(try ListValue(try items.map(evaluate)))
    case .dictionary(let members):
      return .dictionary(
        try DictionaryValue(members.map { (try evaluate($0.key), try evaluate($0.value)) }))
    case .and(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? try evaluate(right) : value
    case .or(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? value : try evaluate(right)
    case .not(let operand): return .boolean(!(try evaluate(operand).isTrue))
    case .comparison(let first, let pairs): return try compared(first, pairs)
    case .concatenation(let parts):
      return .text(try concatenated(try parts.map { try evaluate($0).printed(self) }))
    case .arithmetic(let operation, let left, let right):
      return try arithmetic(operation, try evaluate(left), try evaluate(right))
    case .negative(let operand): return try negated(try evaluate(operand))
    case .positive(let operand): return try signed(try evaluate(operand), "+")
    case .conditional(let test, let then, let otherwise):
      return try choose(test, then, otherwise)
    case .attribute(let value, let name): return try attribute(name, of: try evaluate(value))
    case .item(let value, let key):
      return try item(try evaluate(key), of: try evaluate(value))
    case .slice(let value, let start, let stop, let step):
      return try slice(
        try evaluate(value), start: try start.map(evaluate), stop: try stop.map(evaluate),
        step: try step.map(evaluate))
    case .call(let function, let list):
      return try call(try evaluate(function), try arguments(list))
    case .filter(let value, let name, let list):
      let input = try value.map(evaluate) ?? .none
      return try filter(name, input, try arguments(list))
    case .test(let value, let name, let list):
      return .boolean(try test(name, try evaluate(value), try arguments(list)))
    }
  }

  func lookUp(_ name: String) -> Value {
    let found: Value?
    switch scope.find(name) {
    case .value(let value): found = value
    case .hidden: found = nil
    case .nothing: found = globals[name]
    }
    return found ?? .undefined(Undefined(message: "'\(name)' is undefined"))
  }

  private func choose(
    _ test: Expression, _ then: Expression, _ otherwise: Expression?
  ) throws -> Value {
    if try evaluate(test).isTrue { return try evaluate(then) }
    if let otherwise { return try evaluate(otherwise) }
    return .undefined(Undefined(message: "the inline 'if' has no 'else' and its test is false"))
  }

  /// Each pair in turn, until one does not hold.
  private func compared(
    _ first: Expression, _ pairs: [(operation: Comparison, right: Expression)]
  ) throws -> Value {
    var left = try evaluate(first)
    for (operation, expression) in pairs {
      let right = try evaluate(expression)
      guard try compare(left, operation, right) else { return .boolean(false) }
      left = right
    }
    return .boolean(true)
  }

  func compare(_ left: Value, _ operation: Comparison, _ right: Value) throws -> Bool {
    switch operation {
    case .equal: return try left.equals(right, self)
    case .unequal: return !(try left.equals(right, self))
    case .in: return try contains(right, left)
    case .notIn: return !(try contains(right, left))
    case .less: return try left.order(right, self) == .less
    case .greater: return try left.order(right, self) == .greater
    case .lessOrEqual: return [.less, .equal].contains(try left.order(right, self))
    case .greaterOrEqual: return [.greater, .equal].contains(try left.order(right, self))
    }
  }

  /// Whether a value stands in another: a text in a text, a key in a dictionary, an element.
  func contains(_ container: Value, _ value: Value) throws -> Bool {
    switch container {
    case .text(let text):
      guard let needle = value.text else {
        throw TemplateError.operation("'in' a string expects a string, found \(value.kind)")
      }
      try charge(text.count / 8)
      return text.contains(needle)
    case .dictionary(let dictionary): return try dictionary[value] != nil
    default:
      let items = try iterator(over: container)
      while let item = try items.next() {
        if try item.equals(value, self) { return true }
      }
      return false
    }
  }

  func concatenated(_ parts: [Text]) throws -> Text {
    try reserve(parts.reduce(0) { $0 + $1.count })
    return Text.joined(parts)
  }

  func arguments(_ list: ArgumentList) throws -> Arguments {
    var arguments = Arguments(
      try list.positional.map(evaluate),
      named: try list.named.map { ($0.name, try evaluate($0.value)) })
    if let unpacked = list.unpacked {
      arguments.positional += try items(of: try evaluate(unpacked))
    }
    if let unpacked = list.unpackedNames {
      guard case .dictionary(let dictionary) = try evaluate(unpacked) else {
        throw TemplateError.operation("'**' expects a dictionary")
      }
      for (key, value) in zip(dictionary.keys, dictionary.values) {
        guard let name = key.text else {
          throw TemplateError.operation("'**' expects strings as keys, found \(key.kind)")
        }
        arguments.named.append((name.string, value))
      }
    }
    return arguments
  }

  func call(_ function: Value, _ arguments: Arguments) throws -> Value {
    switch function {
    case .function(let function): return try function.body(arguments, self)
    case .loop(let loop): return try recurse(loop, arguments)
    case .undefined(let undefined): throw undefined.error
    default: throw TemplateError.operation("\(function.kind) cannot be called")
    }
  }

  func filter(_ name: String, _ value: Value, _ arguments: Arguments) throws -> Value {
    guard let filter = Library.filters[name] else {
      throw TemplateError.operation("there is no filter named '\(name)'")
    }
    return try filter.apply("the filter '\(name)'", value, arguments, self)
  }

  func test(_ name: String, _ value: Value, _ arguments: Arguments) throws -> Bool {
    guard let test = Library.tests[name] else {
      throw TemplateError.operation("there is no test named '\(name)'")
    }
    return try test.apply("the test '\(name)'", value, arguments, self)
  }
}

extension Value {
  init(_ literal: Literal) {
    switch literal {
    case .none: self = .none
    case .boolean(let flag): self = .boolean(flag)
    case .integer(let integer): self = .integer(integer)
    case .float(let number): self = .float(number)
    case .text(let text): self = .text(text)
    }
  }
}
