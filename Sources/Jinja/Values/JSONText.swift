/// A value as JSON, as `json.dumps` of Python writes it.
struct JSONText {
  let interpreter: Interpreter
  /// Of one level; nil for a single line.
  var indentation: Text?
  var itemSeparator: String
  var keySeparator: String = ": "
  var escapesNonASCII = false
  var sortsKeys = false
  private(set) var text = Text()

  init(_ interpreter: Interpreter, indentation: Text? = nil) {
    self.interpreter = interpreter
    self.indentation = indentation
    itemSeparator = indentation == nil ? ", " : ","
  }

  mutating func add(_ value: Value, level: Int = 0, _ mark: Mark = Mark(.template)) throws {
    try interpreter.charge(1)
    switch value {
    case .none: text.append("null", mark)
    case .boolean(let flag): text.append(flag ? "true" : "false", mark)
    case .integer(let integer): text.append(try interpreter.digits(of: integer), mark)
    case .float(let number): text.append(Self.number(number), mark)
    case .text(let string): try add(string)
    case .list(let list), .tuple(let list):
      try add(Array(list.items.enumerated()), "[", "]", level, Mark(list.origin)) {
        json, item, level in try json.add(item.element, level: level, Mark(list.origin))
      }
    case .dictionary(let dictionary): try add(dictionary, level)
    default: throw TemplateError.operation("JSON has no way to write \(value.kind)")
    }
    try interpreter.checkSize(text.count)
  }

  private mutating func add(_ dictionary: DictionaryValue, _ level: Int) throws {
    let mark = Mark(dictionary.origin)
    var members = Array(zip(dictionary.keys, dictionary.values))
    if sortsKeys { members = try interpreter.sorted(members, by: { $0.0 }) }
    try add(members, "{", "}", level, mark) { json, member, level in
      try json.add(try json.key(member.0, mark))
      json.text.append(json.keySeparator, mark)
      try json.add(member.1, level: level, mark)
    }
  }

  private mutating func add<Item>(
    _ items: [Item], _ opening: String, _ closing: String, _ level: Int, _ mark: Mark,
    _ addItem: (inout JSONText, Item, Int) throws -> Void
  ) throws {
    text.append(opening, mark)
    for (index, item) in items.enumerated() {
      if index > 0 { text.append(itemSeparator, mark) }
      try breakLine(level + 1, mark)
      try addItem(&self, item, level + 1)
    }
    if !items.isEmpty { try breakLine(level, mark) }
    text.append(closing, mark)
  }

  private mutating func breakLine(_ level: Int, _ mark: Mark) throws {
    guard let indentation else { return }
    try interpreter.checkSize(text.count + level * indentation.count)
    text.append("\n", mark)
    for _ in 0..<level { text.append(indentation) }
  }

  /// Numbers, truth and none are written as texts where they are keys.
  private func key(_ key: Value, _ mark: Mark) throws -> Text {
    switch key {
    case .text(let text): return text
    case .none: return Text("null", mark)
    case .boolean(let flag): return Text(flag ? "true" : "false", mark)
    case .integer(let integer): return Text(try interpreter.digits(of: integer), mark)
    case .float(let number): return Text(Self.number(number), mark)
    default: throw TemplateError.operation("\(key.kind) cannot be a key in JSON")
    }
  }

  private static func number(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    return number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : PythonFloat.text(number)
  }

  private mutating func add(_ string: Text) throws {
    try interpreter.charge(string.count / 8)
    text.append("\"", string.runs.first?.mark ?? Mark(.template))
    string.eachScalar { scalar, mark in
      switch scalar {
      case "\"": text.append("\\\"", mark)
      case "\\": text.append("\\\\", mark)
      case "\n": text.append("\\n", mark)
      case "\r": text.append("\\r", mark)
      case "\t": text.append("\\t", mark)
      case "\u{8}": text.append("\\b", mark)
      case "\u{C}": text.append("\\f", mark)
      case _ where scalar.value < 0x20: text.append(Self.escape(scalar), mark)
      case _ where escapesNonASCII && scalar.value >= 0x7F:
        text.append(scalar.value == 0x7F ? String(scalar) : Self.escape(scalar), mark)
      default: text.append(scalar, mark)
      }
    }
    text.append("\"", string.runs.last?.mark ?? Mark(.template))
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    String(scalar).utf16.map { "\\u" + hexadecimal(UInt32($0), width: 4) }.joined()
  }
}
