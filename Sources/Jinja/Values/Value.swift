import Support

/// A value of the language: what Python's would be.
///
/// The sandbox lets no template change a list or a dictionary, so all but namespaces, loops and
/// one-shot iterators stand still.
enum Value {
  case undefined(Undefined)
  case none
  case boolean(Bool)
  case integer(Integer)
  case float(Double)
  case text(Text)
  case list(ListValue)
  case tuple(ListValue)
  case dictionary(DictionaryValue)
  case range(RangeValue)
  /// What `keys`, `values` and `items` of a dictionary give.
  case view(name: String, ListValue)
  case iterator(IteratorValue)
  case function(FunctionValue)
  case namespace(NamespaceValue)
  case loop(LoopValue)

  static func int(_ value: Int) -> Value { .integer(.small(value)) }

  /// Texts of the template's own.
  static func string(_ string: String) -> Value { .text(Text(string)) }
}

/// Why there is no value: printed it is nothing, but it has no attributes and cannot be counted with.
struct Undefined {
  var message: String
  var kind = TemplateError.Kind.undefined

  var error: TemplateError { TemplateError(kind, message) }
}

/// The elements of a list or a tuple.
final class ListValue {
  let items: [Value]
  /// Whose the brackets and commas are when it is printed.
  let origin: Origin
  /// How deep it holds values in values.
  let nesting: Int
  /// Names of a tuple's elements.
  let names: [String]

  init(_ items: [Value], origin: Origin = .template, names: [String] = []) throws {
    self.items = items
    self.origin = origin
    self.names = names
    nesting = try Value.nesting(above: items)
  }
}

/// Keys with values, in the order in which keys came first.
final class DictionaryValue {
  let keys: [Value]
  let values: [Value]
  let origin: Origin
  let nesting: Int
  private let places: [Key: Int]

  /// Of a key that comes twice the first key and the last value stand.
  init(_ members: [(key: Value, value: Value)], origin: Origin = .template) throws {
    var keys: [Value] = []
    var values: [Value] = []
    var places: [Key: Int] = [:]
    for (key, value) in members {
      let place = places[try Key(key)]
      if let place {
        values[place] = value
      } else {
        places[try Key(key)] = keys.count
        keys.append(key)
        values.append(value)
      }
    }
    (self.keys, self.values, self.places, self.origin) = (keys, values, places, origin)
    nesting = try Value.nesting(above: keys + values)
  }

  subscript(key: Value) -> Value? {
    get throws { places[try Key(key)].map { values[$0] } }
  }

  subscript(key: Key) -> Value? { places[key].map { values[$0] } }

  subscript(name: String) -> Value? { self[Key.text(Text(name))] }

  var items: [Value] {
    get throws {
      try zip(keys, values).map { .tuple(try ListValue([$0, $1], origin: origin)) }
    }
  }
}

/// `range(start, stop, step)`.
struct RangeValue: Hashable {
  var start: Int
  var stop: Int
  var step: Int

  var count: Int {
    if step > 0 { return start < stop ? (stop - start - 1) / step + 1 : 0 }
    return start > stop ? (start - stop - 1) / -step + 1 : 0
  }

  subscript(index: Int) -> Int { start + index * step }

  /// Every `step`th of a range of places.
  func sliced(_ places: SlicePlaces) -> RangeValue {
    RangeValue(
      start: start + places.start * step, stop: start + places.stop * step, step: step * places.step
    )
  }
}

/// Values that come one after another, once: what `map`, `select` and their like give.
final class IteratorValue {
  let name: String
  let nesting: Int
  private let advance: () throws -> Value?

  init(_ name: String, over source: Value? = nil, _ advance: @escaping () throws -> Value?) throws {
    self.name = name
    self.advance = advance
    nesting = try Value.nesting(above: source.map { [$0] } ?? [])
  }

  convenience init(_ name: String, _ items: [Value]) throws {
    var rest = items[...]
    try self.init(name, over: .list(try ListValue(items))) { rest.popFirst() }
  }

  func next() throws -> Value? { try advance() }
}

/// Something to call: a macro, a method of a value, a global function.
final class FunctionValue {
  let description: String
  let nesting: Int
  let attributes: [String: Value]
  let body: (Arguments, Interpreter) throws -> Value

  init(
    _ description: String, of receiver: Value? = nil, attributes: [String: Value] = [:],
    _ body: @escaping (Arguments, Interpreter) throws -> Value
  ) throws {
    self.description = description
    self.attributes = attributes
    self.body = body
    nesting = try Value.nesting(above: receiver.map { [$0] } ?? [])
  }
}

/// What `namespace()` makes: the only value whose attributes a template sets.
final class NamespaceValue {
  var attributes: [(name: String, value: Value)] = []

  subscript(name: String) -> Value? {
    get { attributes.first { $0.name == name }?.value }
    set {
      guard let newValue else { return }
      if let place = attributes.firstIndex(where: { $0.name == name }) {
        attributes[place].value = newValue
      } else {
        attributes.append((name, newValue))
      }
    }
  }
}

extension Value {
  /// How deep values stand in the value.
  var nesting: Int {
    switch self {
    case .list(let list), .tuple(let list), .view(_, let list): list.nesting
    case .dictionary(let dictionary): dictionary.nesting
    case .iterator(let iterator): iterator.nesting
    case .function(let function): function.nesting
    case .loop(let loop): loop.nesting
    default: 0
    }
  }

  /// The nesting of what holds these: bounded, since printing, comparing and freeing go down.
  static func nesting(above values: [Value]) throws -> Int {
    let nesting = 1 + (values.lazy.map(\.nesting).max() ?? 0)
    guard nesting <= Limits.nesting else {
      throw TemplateError(.limit, "values stand more than \(Limits.nesting) deep in each other")
    }
    return nesting
  }
}

extension Value {
  init(_ variable: Variable) throws {
    guard variable.tellsElementsApart, let elements = variable.value.elements else {
      try self.init(variable.value, origin: variable.origin, ownKeys: variable.ownKeys)
      return
    }
    let items = try elements.enumerated().map {
      try Value($0.element, origin: .element($0.offset), ownKeys: variable.ownKeys)
    }
    self = .list(try ListValue(items, origin: variable.origin))
  }

  /// Values of JSON, with all their texts of one origin but for what `ownKeys` of objects hold.
  init(_ node: JSONNode, origin: Origin, ownKeys: Set<String> = []) throws {
    switch node {
    case .null: self = .none
    case .boolean(let flag): self = .boolean(flag)
    case .number(let text): self = Value(number: text)
    case .string(let text): self = .text(Text(text, Mark(origin)))
    case .array(let elements):
      let items = try elements.map { try Value($0, origin: origin, ownKeys: ownKeys) }
      self = .list(try ListValue(items, origin: origin))
    case .object(let members):
      self = .dictionary(
        try DictionaryValue(
          members.map { member in
            let isOwn = ownKeys.contains(member.key)
            return (
              Value.text(Text(member.key, Mark(origin))),
              try Value(member.value, origin: isOwn ? .template : origin, ownKeys: ownKeys)
            )
          }, origin: origin))
    }
  }

  /// With a point or an exponent a number is a `float`, else an `int`.
  private init(number text: String) {
    if let integer = Integer(parsing: Text(text)) {
      self = .integer(integer)
    } else {
      self = .float(Double(text) ?? .nan)
    }
  }
}
