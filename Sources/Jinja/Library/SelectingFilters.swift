/// Filters that go over elements by other filters, tests and attributes.
extension Library {
  typealias Getter = (Value, Interpreter) throws -> Value

  /// Reads `a.b.0` of each element; the element itself where nothing is named.
  static func attributeGetter(_ attribute: Value?, default standard: Value? = nil) throws -> Getter
  {
    guard let attribute, !attribute.isNone else { return { value, _ in value } }
    let keys: [Value] =
      attribute.text.map { path in
        path.split(at: ".", limit: nil).map { part in
          part.consists(of: \.isPythonDigit)
            ? Integer(parsing: part).map(Value.integer) ?? .text(part) : .text(part)
        }
      } ?? [attribute]
    return { value, interpreter in
      try keys.reduce(value) { value, key in
        let found = try interpreter.item(key, of: value)
        return found.isUndefined ? standard ?? found : found
      }
    }
  }

  /// As `attributeGetter`, one for each attribute between commas.
  static func attributeGetters(_ attribute: Value?) throws -> [Getter] {
    guard let text = attribute?.text else { return [try attributeGetter(attribute)] }
    return try text.split(at: ",", limit: nil).map { try attributeGetter(.text($0)) }
  }

  static let selectingFilters: [String: Filter] = [
    "map": .open { value, arguments, interpreter in
      try generator(over: value) { try map(value, arguments, interpreter) }
    },
    "select": selecting(true),
    "reject": selecting(false),
    "selectattr": selecting(true, byAttribute: true),
    "rejectattr": selecting(false, byAttribute: true),
    "sum": Filter(["attribute", "start"]) { value, arguments, interpreter in
      let getter = try attributeGetter(arguments["attribute"])
      let start = arguments["start"] ?? .int(0)
      if start.text != nil {
        throw TemplateError.operation("the filter 'sum' does not add strings: use 'join'")
      }
      return try interpreter.items(of: value).reduce(start) {
        try interpreter.arithmetic(.add, $0, try getter($1, interpreter))
      }
    },
    "min": extreme(.less),
    "max": extreme(.greater),
  ]

  /// What a filter gives that does nothing until its first element is asked for, and so fails no sooner.
  static func generator(
    over value: Value, _ open: @escaping () throws -> Value
  ) throws -> Value {
    var opened: IteratorValue?
    return .iterator(
      try IteratorValue("generator", over: value) {
        if opened == nil, case .iterator(let iterator) = try open() { opened = iterator }
        return try opened?.next()
      })
  }

  private static func map(
    _ value: Value, _ arguments: Arguments, _ interpreter: Interpreter
  ) throws -> Value {
    let change: Getter
    if arguments.positional.isEmpty, arguments.named.contains(where: { $0.name == "attribute" }) {
      let bound = try Arguments(named: arguments.named)
        .bound(to: ["attribute", "default"], of: "the filter 'map'")
      change = try attributeGetter(bound["attribute"], default: bound.given("default"))
    } else {
      guard let name = arguments.positional.first?.text?.string else {
        throw TemplateError.operation("the filter 'map' needs the name of a filter")
      }
      let rest = Arguments(Array(arguments.positional.dropFirst()), named: arguments.named)
      change = { item, interpreter in try interpreter.filter(name, item, rest) }
    }
    let items = try elements(of: value, interpreter)
    return .iterator(
      try IteratorValue("generator", over: value) {
        try interpreter.nested { try items.next().map { try change($0, interpreter) } }
      })
  }

  /// Of whatever is false these filters make nothing, even of none.
  private static func elements(
    of value: Value, _ interpreter: Interpreter
  ) throws -> IteratorValue {
    value.isTrue
      ? try interpreter.iterator(over: value) : try IteratorValue("generator", [])
  }

  /// The elements of which a test holds, or does not.
  private static func selecting(_ wanted: Bool, byAttribute: Bool = false) -> Filter {
    Filter.open { value, arguments, interpreter in
      try generator(over: value) {
        try select(wanted, byAttribute, of: value, arguments, interpreter)
      }
    }
  }

  private static func select(
    _ wanted: Bool, _ byAttribute: Bool, of value: Value, _ arguments: Arguments,
    _ interpreter: Interpreter
  ) throws -> Value {
    var rest = arguments.positional[...]
    var getter: Getter = { value, _ in value }
    if byAttribute {
      guard let attribute = rest.popFirst() else {
        throw TemplateError.operation("the filter needs the name of an attribute")
      }
      getter = try attributeGetter(attribute)
    }
    let name = try rest.popFirst().map { name in
      guard let text = name.text else {
        throw TemplateError.operation("the filter needs the name of a test")
      }
      return text.string
    }
    let testArguments = Arguments(Array(rest), named: arguments.named)
    let items = try elements(of: value, interpreter)
    return .iterator(
      try IteratorValue("generator", over: value) { [getter] in
        try interpreter.nested {
          while let item = try items.next() {
            let subject = try getter(item, interpreter)
            let holds =
              try name.map { try interpreter.test($0, subject, testArguments) }
              ?? subject.isTrue
            if holds == wanted { return item }
          }
          return nil
        }
      })
  }

  /// The first of the least or greatest elements.
  private static func extreme(_ wanted: Value.Order) -> Filter {
    Filter(["case_sensitive", "attribute"]) { value, arguments, interpreter in
      let getter = try attributeGetter(arguments["attribute"])
      let fold = !arguments.isTrue("case_sensitive")
      var best: (item: Value, key: Value)?
      for item in try interpreter.items(of: value) {
        let found = try getter(item, interpreter)
        let key = fold ? found.caseFolded : found
        if let current = best, try key.order(current.key, interpreter) != wanted { continue }
        best = (item, key)
      }
      return best?.item
        ?? .undefined(Undefined(message: "there is no such item: the sequence is empty"))
    }
  }
}
