/// `"%s %-5d %(name).2f" % values`
extension Interpreter {
  func percentFormat(_ template: Text, _ values: Value) throws -> Text {
    var formatting = PercentFormatting(interpreter: self, values: values)
    return try formatting.fill(template).markup(template.isMarkup)
  }
}

private struct PercentFormatting {
  let interpreter: Interpreter
  let values: Value
  private var rest: ArraySlice<Value>

  init(interpreter: Interpreter, values: Value) {
    self.interpreter = interpreter
    self.values = values
    if case .tuple(let list) = values { rest = list.items[...] } else { rest = [values] }
  }

  mutating func fill(_ template: Text) throws -> Text {
    var result = Text()
    var position = 0
    var usesNames = false
    while position < template.count {
      guard template.scalars[position] == "%" else {
        result.append(template[position])
        position += 1
        continue
      }
      position += 1
      var field = Field()
      usesNames = try field.parse(template, &position, &self) || usesNames
      result.append(try lay(field, isMarkup: template.isMarkup))
      try interpreter.checkSize(result.count)
    }
    try interpreter.charge(result.count / 8)
    if rest.isEmpty || usesNames { return result }
    switch values {
    // What has items is taken for a dictionary, of which not all need be used.
    case .dictionary, .list, .range, .undefined: return result
    default: throw TemplateError.operation("a format is given more values than it has fields")
    }
  }

  mutating func next() throws -> Value {
    guard let value = rest.popFirst() else {
      throw TemplateError.operation("a format is given fewer values than it has fields")
    }
    return value
  }

  struct Field {
    var name: Text?
    var flags: Set<Unicode.Scalar> = []
    var width = 0
    var precision: Int?
    var type: Unicode.Scalar = "%"

    /// Reads a field after its `%`; says whether it names its value.
    mutating func parse(
      _ template: Text, _ position: inout Int, _ values: inout PercentFormatting
    ) throws -> Bool {
      var rest = template.scalars[position...]
      if rest.first == "(" {
        var open = 0
        let end = rest.firstIndex {
          open += $0 == "(" ? 1 : $0 == ")" ? -1 : 0
          return open == 0
        }
        guard let end else { throw TemplateError.operation("a format's name has no ')'") }
        name = template[position + 1..<end]
        rest = template.scalars[(end + 1)...]
      }
      while let flag = rest.first, "-+ #0".unicodeScalars.contains(flag) {
        flags.insert(flag)
        rest = rest.dropFirst()
      }
      width = try number(&rest, &values) ?? 0
      if width < 0 {
        flags.insert("-")
        width = -width
      }
      if rest.first == "." {
        rest = rest.dropFirst()
        precision = max(0, try number(&rest, &values) ?? 0)
      }
      while let size = rest.first, "hlL".unicodeScalars.contains(size) { rest = rest.dropFirst() }
      guard let type = rest.popFirst() else {
        throw TemplateError.operation("a format ends inside of a field")
      }
      self.type = type
      position = rest.startIndex
      return name != nil
    }

    /// Digits, or a `*` for a value that says them.
    private func number(
      _ scalars: inout ArraySlice<Unicode.Scalar>, _ values: inout PercentFormatting
    ) throws -> Int? {
      guard scalars.first == "*" else { return FormatSpecification.number(&scalars) }
      scalars = scalars.dropFirst()
      guard let number = try values.next().integer?.int else {
        throw TemplateError.operation("a format expects an integer for '*'")
      }
      return number
    }
  }

  private mutating func lay(_ field: Field, isMarkup: Bool) throws -> Text {
    if field.type == "%" { return "%" }
    try interpreter.checkSize(max(field.width, field.precision ?? 0))
    let value: Value
    if let name = field.name {
      guard case .dictionary(let dictionary) = values else {
        throw TemplateError.operation("a format with names expects a dictionary")
      }
      guard let found = dictionary[Key.text(name)] else {
        throw TemplateError.operation("a format has no value named '\(name.string)'")
      }
      value = found
    } else {
      value = try next()
    }
    switch field.type {
    case "s", "r", "a":
      var text =
        field.type == "s" ? try value.printed(interpreter) : try value.represented(interpreter)
      if field.type == "a" { text = text.asciiEscaped }
      if isMarkup { text = text.escaped }
      return pad(text[0..<min(text.count, field.precision ?? text.count)], field)
    case "c": return pad(try character(value), field)
    case "d", "i", "u", "x", "X", "o": return try integer(value, field)
    case "e", "E", "f", "F", "g", "G": return try number(value, field)
    default: throw TemplateError.operation("a format knows no '%\(field.type)'")
    }
  }

  private func character(_ value: Value) throws -> Text {
    if let text = value.text, text.count == 1 { return text }
    guard let code = value.integer?.int.flatMap(UInt32.init(exactly:)),
      let scalar = Unicode.Scalar(code)
    else { throw TemplateError.operation("'%c' expects one character, found \(value.kind)") }
    return Text(String(scalar))
  }

  private func integer(_ value: Value, _ field: Field) throws -> Text {
    let isHexadecimal = "xX".unicodeScalars.contains(field.type)
    let isWhole = isHexadecimal || field.type == "o"
    let truncated = isWhole ? nil : value.number.flatMap(Integer.init(truncating:))
    guard let integer = value.integer ?? truncated else {
      throw TemplateError.operation("'%\(field.type)' expects a number, found \(value.kind)")
    }
    _ = try interpreter.digits(of: integer)
    var digits = integer.magnitude.text(radix: isHexadecimal ? 16 : field.type == "o" ? 8 : 10)
    if field.type == "X" { digits = digits.uppercased() }
    digits = String(repeating: "0", count: max(0, (field.precision ?? 0) - digits.count)) + digits
    let prefix =
      !field.flags.contains("#")
      ? "" : isHexadecimal ? "0\(field.type)" : field.type == "o" ? "0o" : ""
    return sign(prefix, digits, isNegative: integer.isNegative, field)
  }

  private func number(_ value: Value, _ field: Field) throws -> Text {
    guard let number = value.number else {
      throw TemplateError.operation("'%\(field.type)' expects a number, found \(value.kind)")
    }
    let places = field.precision ?? 6
    guard places <= 400 else {
      throw TemplateError(.limit, "a number is asked for more than 400 places")
    }
    let digits: String
    switch field.type {
    case "e", "E": digits = PythonFloat.scientific(number.magnitude, places: places)
    case "g", "G":
      digits = PythonFloat.general(
        number.magnitude, digits: max(places, 1), keepsZeros: field.flags.contains("#"))
    default: digits = PythonFloat.fixed(number.magnitude, places: places)
    }
    let upper = "EFG".unicodeScalars.contains(field.type)
    return sign(
      "", upper ? digits.uppercased() : digits,
      isNegative: number.sign == .minus && !number.isNaN, field)
  }

  private func sign(
    _ prefix: String, _ digits: String, isNegative: Bool, _ field: Field
  ) -> Text {
    let sign =
      isNegative ? "-" : field.flags.contains("+") ? "+" : field.flags.contains(" ") ? " " : ""
    let head = Text(sign + prefix)
    if field.flags.contains("0"), !field.flags.contains("-") {
      let missing = field.width - head.count - digits.unicodeScalars.count
      return Text.joined([head, Text("0").repeated(missing), Text(digits)])
    }
    return pad(Text.joined([head, Text(digits)]), field)
  }

  private func pad(_ text: Text, _ field: Field) -> Text {
    let padding = Text(" ").repeated(field.width - text.count)
    return Text.joined(field.flags.contains("-") ? [text, padding] : [padding, text])
  }
}
