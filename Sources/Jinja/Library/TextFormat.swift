/// `"{} {name!r:>10}".format(…)`
extension Interpreter {
  func format(_ template: Text, _ arguments: Arguments) throws -> Text {
    var formatting = Formatting(interpreter: self, arguments: arguments)
    return try formatting.fill(template, depth: 0).markup(template.isMarkup)
  }
}

private struct Formatting {
  let interpreter: Interpreter
  let arguments: Arguments
  /// How many fields without a name came before.
  private var automatic = 0
  private var isNumbered = false

  init(interpreter: Interpreter, arguments: Arguments) {
    self.interpreter = interpreter
    self.arguments = arguments
  }

  mutating func fill(_ template: Text, depth: Int) throws -> Text {
    guard depth < 3 else { throw TemplateError.operation("a format's fields are nested too deep") }
    var result = Text()
    var position = 0
    while position < template.count {
      let scalar = template.scalars[position]
      let isDoubled = template.scalars.element(at: position + 1) == scalar
      if scalar != "{" && scalar != "}" {
        result.append(template[position])
        position += 1
      } else if isDoubled, depth == 0 {
        result.append(template[position])
        position += 2
      } else if scalar == "}" {
        throw TemplateError.operation("a format has a '}' without its '{'")
      } else {
        let end = try self.end(of: template, from: position + 1)
        result.append(try field(template[position + 1..<end], depth))
        position = end + 1
      }
      try interpreter.checkSize(result.count)
    }
    try interpreter.charge(result.count / 8)
    return result
  }

  private func end(of template: Text, from start: Int) throws -> Int {
    var open = 1
    for index in start..<template.count {
      if template.scalars[index] == "{" { open += 1 }
      if template.scalars[index] == "}" { open -= 1 }
      if open == 0 { return index }
    }
    throw TemplateError.operation("a format has a '{' without its '}'")
  }

  /// `name.attribute[key]!conversion:specification`
  private mutating func field(_ field: Text, _ depth: Int) throws -> Text {
    var nameEnd = 0
    var isInBrackets = false
    while nameEnd < field.count {
      let scalar = field.scalars[nameEnd]
      if scalar == "[" { isInBrackets = true }
      if scalar == "]" { isInBrackets = false }
      if !isInBrackets, scalar == "!" || scalar == ":" { break }
      nameEnd += 1
    }
    var value = try self.value(field[0..<nameEnd])
    var rest = field[nameEnd..<field.count]
    if rest.scalars.first == "!" {
      guard rest.count >= 2, rest.count == 2 || rest.scalars[2] == ":" else {
        throw TemplateError.operation("a format expects ':' after the conversion")
      }
      switch rest.scalars[1] {
      case "s": value = .text(try value.printed(interpreter))
      case "r": value = .text(try value.represented(interpreter))
      case "a": value = .text(try value.represented(interpreter).asciiEscaped)
      default: throw TemplateError.operation("a format knows the conversions 's', 'r' and 'a'")
      }
      rest = rest[2..<rest.count]
    }
    let specification = try fill(rest[min(1, rest.count)..<rest.count], depth: depth + 1)
    return try interpreter.formatted(value, specification)
  }

  private mutating func value(_ name: Text) throws -> Value {
    let end = name.scalars.firstIndex { $0 == "." || $0 == "[" } ?? name.count
    var value = try argument(name[0..<end])
    var rest = name[end..<name.count]
    while let first = rest.scalars.first {
      if first == "." {
        let end = rest.scalars.dropFirst().firstIndex { $0 == "." || $0 == "[" } ?? rest.count
        guard end > 1 else { throw TemplateError.operation("a format names an empty attribute") }
        value = try interpreter.attribute(rest[1..<end].string, of: value)
        rest = rest[end..<rest.count]
      } else {
        guard first == "[", let end = rest.scalars.firstIndex(of: "]"), end > 1 else {
          throw TemplateError.operation("a format expects '.' or '[key]' after a name")
        }
        let key = rest[1..<end]
        let index = key.consists(of: { ("0"..."9").contains($0) }) ? Integer(parsing: key) : nil
        value = try interpreter.item(index.map(Value.integer) ?? .text(key), of: value)
        rest = rest[end + 1..<rest.count]
      }
    }
    return value
  }

  private mutating func argument(_ name: Text) throws -> Value {
    var rest = name.scalars[...]
    let number = FormatSpecification.number(&rest)
    if let number, rest.isEmpty {
      guard automatic == 0 else {
        throw TemplateError.operation("a format numbers all of its fields or none")
      }
      isNumbered = true
      return try positional(number)
    }
    if name.isEmpty {
      guard !isNumbered else {
        throw TemplateError.operation("a format numbers all of its fields or none")
      }
      automatic += 1
      return try positional(automatic - 1)
    }
    guard let found = arguments.named.last(where: { $0.name == name.string }) else {
      throw TemplateError.operation("a format has no argument named '\(name.string)'")
    }
    return found.value
  }

  private func positional(_ index: Int) throws -> Value {
    guard let value = arguments.positional.element(at: index) else {
      throw TemplateError.operation("a format has no argument number \(index)")
    }
    return value
  }
}

extension Text {
  /// With escapes for all but ASCII.
  var asciiEscaped: Text {
    replacingEach { scalar in
      switch scalar.value {
      case ..<0x80: String(scalar)
      case ..<0x100: "\\x" + hexadecimal(scalar.value, width: 2)
      case ..<0x10000: "\\u" + hexadecimal(scalar.value, width: 4)
      default: "\\U" + hexadecimal(scalar.value, width: 8)
      }
    }
  }
}
