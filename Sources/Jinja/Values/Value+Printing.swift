/// Values as texts: what printing one gives, and what it looks like inside a list.
extension Value {
  /// Python's `str`.
  func printed(_ interpreter: Interpreter) throws -> Text {
    switch self {
    case .text(let text): return text
    case .undefined: return Text()
    default:
      var printer = Printer(interpreter: interpreter)
      try printer.add(self, Mark(.template))
      return printer.text
    }
  }

  /// Python's `repr`.
  func represented(_ interpreter: Interpreter) throws -> Text {
    var printer = Printer(interpreter: interpreter)
    try printer.add(self, Mark(.template))
    return printer.text
  }
}

/// Puts a value's `repr` together; brackets and numbers get the mark of what holds them.
private struct Printer {
  let interpreter: Interpreter
  var text = Text()
  /// Those that stand in each other here.
  private var namespaces: [NamespaceValue] = []
  private static let mostNamespaces = 8

  init(interpreter: Interpreter) { self.interpreter = interpreter }

  mutating func add(_ value: Value, _ mark: Mark) throws {
    try interpreter.charge(1)
    switch value {
    case .undefined: text.append("Undefined", mark)
    case .none: text.append("None", mark)
    case .boolean(let flag): text.append(flag ? "True" : "False", mark)
    case .integer(let integer): text.append(try interpreter.digits(of: integer), mark)
    case .float(let number): text.append(PythonFloat.text(number), mark)
    case .text(let string): try add(string)
    case .list(let list): try add(list, "[", "]")
    case .tuple(let list): try add(list, "(", list.items.count == 1 ? ",)" : ")")
    case .view(let name, let list):
      text.append(name + "(", Mark(list.origin))
      try add(list, "[", "]")
      text.append(")", Mark(list.origin))
    case .dictionary(let dictionary): try add(dictionary)
    case .range(let range):
      text.append("range(\(range.start), \(range.stop)", mark)
      text.append(range.step == 1 ? ")" : ", \(range.step))", mark)
    case .iterator(let iterator): text.append("<\(iterator.name)>", mark)
    case .function(let function): text.append("<\(function.description)>", mark)
    case .namespace(let namespace):
      text.append("<Namespace ", mark)
      try add(namespace)
      text.append(">", mark)
    case .loop(let loop):
      text.append("<LoopContext \(loop.index)/\(try loop.length())>", mark)
    }
    try interpreter.checkSize(text.count)
  }

  private mutating func add(_ list: ListValue, _ opening: String, _ closing: String) throws {
    let mark = Mark(list.origin)
    text.append(opening, mark)
    for (index, item) in list.items.enumerated() {
      if index > 0 { text.append(", ", mark) }
      try add(item, mark)
    }
    text.append(closing, mark)
  }

  private mutating func add(_ dictionary: DictionaryValue) throws {
    let mark = Mark(dictionary.origin)
    text.append("{", mark)
    for (index, member) in zip(dictionary.keys, dictionary.values).enumerated() {
      if index > 0 { text.append(", ", mark) }
      try add(member.0, mark)
      text.append(": ", mark)
      try add(member.1, mark)
    }
    text.append("}", mark)
  }

  /// A namespace may hold itself, of which Python's `repr` writes no more than dots.
  private mutating func add(_ namespace: NamespaceValue) throws {
    if namespaces.contains(where: { $0 === namespace }) {
      text.append("{...}")
      return
    }
    guard namespaces.count < Self.mostNamespaces else {
      throw TemplateError(
        .limit, "namespaces stand more than \(Self.mostNamespaces) deep in each other")
    }
    namespaces.append(namespace)
    defer { namespaces.removeLast() }
    try add(DictionaryValue(namespace.attributes.map { (.string($0.name), $0.value) }))
  }

  /// In single quotes, or in double ones where that saves escaping.
  private mutating func add(_ string: Text) throws {
    try interpreter.charge(string.count / 8)
    let quote: Unicode.Scalar =
      string.scalars.contains("'") && !string.scalars.contains("\"") ? "\"" : "'"
    let mark = string.runs.first?.mark ?? Mark(.template)
    if string.isMarkup { text.append("Markup(", mark) }
    text.append(quote, mark)
    string.eachScalar { scalar, mark in
      switch scalar {
      case quote, "\\": text.append("\\" + String(scalar), mark)
      case "\n": text.append("\\n", mark)
      case "\r": text.append("\\r", mark)
      case "\t": text.append("\\t", mark)
      case _ where scalar.isPythonPrintable: text.append(scalar, mark)
      case _ where scalar.value < 0x100:
        text.append("\\x" + hexadecimal(scalar.value, width: 2), mark)
      case _ where scalar.value < 0x10000:
        text.append("\\u" + hexadecimal(scalar.value, width: 4), mark)
      default: text.append("\\U" + hexadecimal(scalar.value, width: 8), mark)
      }
    }
    text.append(quote, string.runs.last?.mark ?? Mark(.template))
    if string.isMarkup { text.append(")", mark) }
  }
}

func hexadecimal(_ value: UInt32, width: Int) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
