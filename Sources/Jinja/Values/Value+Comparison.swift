/// A value as a key of a dictionary: equal where Python's hashes and values are, `1`, `1.0`, `true`.
enum Key: Hashable {
  case undefined
  case none
  case integer(Integer)
  case float(Double)
  case text(Text)
  case tuple([Key])
  case object(ObjectIdentifier)
  case range(RangeValue)

  init(_ value: Value) throws {
    switch value {
    case .undefined: self = .undefined
    case .none: self = .none
    case .boolean(let flag): self = .integer(.small(flag ? 1 : 0))
    case .integer(let integer): self = .integer(integer)
    case .float(let number):
      if number.rounded() == number, let integer = Integer(truncating: number) {
        self = .integer(integer)
      } else {
        self = .float(number)
      }
    case .text(let text): self = .text(text)
    case .tuple(let list): self = .tuple(try list.items.map { try Key($0) })
    case .range(let range): self = .range(range)
    case .iterator(let iterator): self = .object(ObjectIdentifier(iterator))
    case .function(let function): self = .object(ObjectIdentifier(function))
    case .namespace(let namespace): self = .object(ObjectIdentifier(namespace))
    case .loop(let loop): self = .object(ObjectIdentifier(loop))
    case .list, .dictionary, .view:
      throw TemplateError.operation("\(value.kind) cannot be a key, since it is not hashable")
    }
  }
}

extension Value {
  /// Python's truth: nothing, zero and what is empty are false.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .boolean(let flag): flag
    case .integer(let integer): !integer.isZero
    case .float(let number): number != 0
    case .text(let text): !text.isEmpty
    case .list(let list), .tuple(let list), .view(_, let list): !list.items.isEmpty
    case .dictionary(let dictionary): !dictionary.keys.isEmpty
    case .range(let range): range.count > 0
    case .iterator, .function, .namespace, .loop: true
    }
  }

  /// What error messages call the value, by its type.
  var kind: String {
    switch self {
    case .undefined: "an undefined value"
    case .none: "none"
    case .boolean: "a boolean"
    case .integer: "an integer"
    case .float: "a float"
    case .text: "a string"
    case .list: "a list"
    case .tuple: "a tuple"
    case .dictionary: "a dictionary"
    case .range: "a range"
    case .view(let name, _): "a \(name) view"
    case .iterator: "an iterator"
    case .function: "a function"
    case .namespace: "a namespace"
    case .loop: "a loop"
    }
  }

  /// A boolean counts as 0 or 1.
  var integer: Integer? {
    switch self {
    case .boolean(let flag): .small(flag ? 1 : 0)
    case .integer(let integer): integer
    default: nil
    }
  }

  var number: Double? {
    if case .float(let number) = self { number } else { integer?.double }
  }

  var text: Text? {
    if case .text(let text) = self { text } else { nil }
  }

  var isUndefined: Bool {
    if case .undefined = self { true } else { false }
  }

  var isNone: Bool {
    if case .none = self { true } else { false }
  }

  /// Python's `==`.
  func equals(_ other: Value, _ interpreter: Interpreter) throws -> Bool {
    try interpreter.charge(1)
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let left), .text(let right)):
      try interpreter.charge(min(left.count, right.count) / 8)
      return left == right
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      return try left.items.count == right.items.count
        && zip(left.items, right.items).allSatisfy { try $0.equals($1, interpreter) }
    case (.dictionary(let left), .dictionary(let right)):
      guard left.keys.count == right.keys.count else { return false }
      for (key, value) in zip(left.keys, left.values) {
        guard let other = try right[key], try value.equals(other, interpreter) else { return false }
      }
      return true
    case (.range(let left), .range(let right)):
      return left.count == right.count
        && (left.count == 0
          || left.start == right.start && (left.count == 1 || left.step == right.step))
    case (.view(_, let left), .view(_, let right)): return left === right
    case (.iterator(let left), .iterator(let right)): return left === right
    case (.function(let left), .function(let right)): return left === right
    case (.namespace(let left), .namespace(let right)): return left === right
    case (.loop(let left), .loop(let right)): return left === right
    default: return Value.compareNumbers(self, other) == .equal
    }
  }

  enum Order { case less, equal, greater, none }

  /// The order of two numbers, exact between integers and floats; nil where one is no number.
  static func compareNumbers(_ left: Value, _ right: Value) -> Order? {
    if let first = left.integer, let second = right.integer {
      return first < second ? .less : first == second ? .equal : .greater
    }
    guard let first = left.number, let second = right.number else { return nil }
    if first.isNaN || second.isNaN { return Order.none }
    if first.isFinite, second.isFinite, first == second,
      let exact = Integer(truncating: first), let other = Integer(truncating: second)
    {
      // Equal as floats: the integer among them may still be a little off.
      let (one, two) = (left.integer ?? exact, right.integer ?? other)
      return one < two ? .less : one == two ? .equal : .greater
    }
    return first < second ? .less : first == second ? .equal : .greater
  }

  /// Python's order of two values, where they have one.
  func order(_ other: Value, _ interpreter: Interpreter) throws -> Order {
    try interpreter.charge(1)
    if case .undefined(let undefined) = self { throw undefined.error }
    if case .undefined(let undefined) = other { throw undefined.error }
    if let order = Value.compareNumbers(self, other) { return order }
    switch (self, other) {
    case (.text(let left), .text(let right)):
      try interpreter.charge(min(left.count, right.count) / 8)
      return left < right ? .less : left == right ? .equal : .greater
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      for (first, second) in zip(left.items, right.items)
      where try !first.equals(second, interpreter) {
        return try first.order(second, interpreter)
      }
      let (first, second) = (left.items.count, right.items.count)
      return first < second ? .less : first == second ? .equal : .greater
    default:
      throw TemplateError.operation("\(kind) and \(other.kind) have no order")
    }
  }
}
