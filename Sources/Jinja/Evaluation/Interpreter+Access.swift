/// Attributes, items, slices and elements of values.
extension Interpreter {
  /// `value.name`: a method or a field, else the item of that name.
  func attribute(_ name: String, of value: Value) throws -> Value {
    if let found = try member(name, of: value) { return found }
    if case .dictionary(let dictionary) = value, let found = dictionary[name] { return found }
    return missing(name, of: value)
  }

  /// `value[key]`: an item, else the method or field of that name.
  func item(_ key: Value, of value: Value) throws -> Value {
    switch value {
    case .undefined(let undefined): throw undefined.error
    case .dictionary(let dictionary):
      if let key = try? Key(key), let found = dictionary[key] { return found }
    case .text(let text):
      if let place = place(key, count: text.count) { return .text(text[place]) }
    case .list(let list), .tuple(let list):
      if let place = place(key, count: list.items.count) { return list.items[place] }
    case .range(let range):
      if let place = place(key, count: range.count) { return .int(range[place]) }
    default: break
    }
    if let name = key.text?.string {
      return try member(name, of: value) ?? missing(name, of: value)
    }
    return .undefined(
      Undefined(message: "\(value.kind) has no element \(try key.represented(self).string)"))
  }

  private func missing(_ name: String, of value: Value) -> Value {
    .undefined(Undefined(message: "\(value.kind) has no attribute '\(name)'"))
  }

  /// Where an index points, counted from the end if it is negative; nil outside.
  private func place(_ key: Value, count: Int) -> Int? {
    guard let index = key.integer?.int else { return nil }
    let place = index < 0 ? index + count : index
    return (0..<count).contains(place) ? place : nil
  }

  /// A method or field of a value, or why the sandbox hides it.
  private func member(_ name: String, of value: Value) throws -> Value? {
    switch value {
    case .undefined(let undefined): throw undefined.error
    case .namespace(let namespace): return namespace[name]
    case .loop(let loop): return try loop.attribute(name, self)
    case .function(let function): return function.attributes[name]
    case .tuple(let list):
      if let place = list.names.firstIndex(of: name) { return list.items[place] }
    default: break
    }
    if Library.isForbidden(name, of: value) {
      return .undefined(
        Undefined(
          message: "'\(name)' would change \(value.kind), which a chat template may not",
          kind: .forbidden))
    }
    return try Library.method(name, of: value)
  }

  func slice(_ value: Value, start: Value?, stop: Value?, step: Value?) throws -> Value {
    let places: (Int) throws -> SlicePlaces = { count in
      try SlicePlaces(
        start: self.bound(start), stop: self.bound(stop), step: self.bound(step), count: count)
    }
    switch value {
    case .undefined(let undefined): throw undefined.error
    case .text(let text):
      let places = try places(text.count)
      try charge(places.count / 8)
      if places.step == 1 { return .text(text[places.start..<max(places.start, places.stop)]) }
      return .text(Text.joined(places.all.map { text[$0] }).markup(text.isMarkup))
    case .list(let list), .tuple(let list):
      let places = try places(list.items.count)
      try charge(places.count)
      let slice = try ListValue(places.all.map { list.items[$0] }, origin: list.origin)
      if case .list = value { return .list(slice) }
      return .tuple(slice)
    case .range(let range): return .range(range.sliced(try places(range.count)))
    default: throw TemplateError.operation("\(value.kind) has no slices")
    }
  }

  private func bound(_ value: Value?) throws -> Int? {
    guard let value, !value.isNone else { return nil }
    guard let integer = value.integer else {
      throw TemplateError.operation("a slice expects integers, found \(value.kind)")
    }
    return integer.int ?? (integer.isNegative ? .min / 4 : .max / 4)
  }
}

/// Which places a slice takes of so many.
struct SlicePlaces {
  let start: Int
  let stop: Int
  let step: Int

  init(start: Int?, stop: Int?, step: Int?, count: Int) throws {
    let step = max(step ?? 1, -.max)
    guard step != 0 else { throw TemplateError.operation("a slice's step cannot be zero") }
    let (low, high) = step > 0 ? (0, count) : (-1, count - 1)
    let clamp = { (bound: Int) in
      bound < 0 ? Swift.max(bound + count, low) : Swift.min(bound, high)
    }
    self.start = start.map(clamp) ?? (step > 0 ? low : high)
    self.stop = stop.map(clamp) ?? (step > 0 ? high : low)
    self.step = step
  }

  var count: Int { RangeValue(start: start, stop: stop, step: step).count }

  var all: some Sequence<Int> { (0..<count).lazy.map { start + $0 * step } }
}

/// Elements, one after another.
extension Interpreter {
  /// What a loop would go over; each element taken is a step.
  func iterator(over value: Value) throws -> IteratorValue {
    if case .iterator(let iterator) = value { return iterator }
    var index = 0
    let count: Int
    let element: (Int) -> Value
    switch value {
    case .undefined: (count, element) = (0, { _ in .none })
    case .text(let text): (count, element) = (text.count, { .text(text[$0].markup(false)) })
    case .list(let list), .tuple(let list), .view(_, let list):
      (count, element) = (list.items.count, { list.items[$0] })
    case .dictionary(let dictionary):
      (count, element) = (dictionary.keys.count, { dictionary.keys[$0] })
    case .range(let range): (count, element) = (range.count, { .int(range[$0]) })
    case .loop(let loop):
      return try IteratorValue("loop", over: value) {
        try loop.advance() ? .tuple(try ListValue([loop.current, value])) : nil
      }
    default: throw TemplateError.operation("\(value.kind) cannot be looped over")
    }
    return try IteratorValue("iterator", over: value) { [self] in
      guard index < count else { return nil }
      try charge(1)
      defer { index += 1 }
      return element(index)
    }
  }

  /// All elements at once.
  func items(of value: Value) throws -> [Value] {
    let iterator = try iterator(over: value)
    var items: [Value] = []
    while let item = try iterator.next() { items.append(item) }
    return items
  }

  /// Python's `len`; nil of what has none.
  func length(of value: Value) throws -> Int? {
    switch value {
    case .undefined: 0
    case .text(let text): text.count
    case .list(let list), .tuple(let list), .view(_, let list): list.items.count
    case .dictionary(let dictionary): dictionary.keys.count
    case .range(let range): range.count
    case .loop(let loop): try loop.length()
    default: nil
    }
  }

  /// The values in Python's order, equal ones as they came.
  func sorted<Item>(
    _ items: [Item], descending: Bool = false, by key: (Item) throws -> Value
  ) throws -> [Item] {
    let keyed = try items.enumerated().map { ($0.offset, try key($0.element), $0.element) }
    return try keyed.sorted { left, right in
      switch try left.1.order(right.1, self) {
      case .less: !descending
      case .greater: descending
      case .equal, .none: left.0 < right.0
      }
    }.map(\.2)
  }
}
