/// How `str.format` lays out a value: `[[fill]align][sign][#][0][width][,][.precision][type]`.
struct FormatSpecification {
  var fill: Text = " "
  var alignment: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var width = 0
  var grouping: Unicode.Scalar?
  var precision: Int?
  var type: Unicode.Scalar?

  init(parsing text: Text) throws {
    var rest = text.scalars[...]
    let alignments: [Unicode.Scalar] = ["<", ">", "^", "="]
    if rest.count > 1, alignments.contains(rest[rest.startIndex + 1]) {
      fill = text[0]
      alignment = rest[rest.startIndex + 1]
      rest = rest.dropFirst(2)
    } else if let first = rest.first, alignments.contains(first) {
      alignment = rest.popFirst()
    }
    if let first = rest.first, first == "+" || first == "-" || first == " " {
      sign = first
      rest = rest.dropFirst()
    }
    if rest.first == "#" {
      isAlternate = true
      rest = rest.dropFirst()
    }
    if rest.first == "0" {
      if alignment == nil { (fill, alignment) = ("0", "=") }
      rest = rest.dropFirst()
    }
    width = Self.number(&rest) ?? 0
    if let first = rest.first, first == "," || first == "_" {
      grouping = first
      rest = rest.dropFirst()
    }
    if rest.first == "." {
      rest = rest.dropFirst()
      guard let number = Self.number(&rest) else {
        throw TemplateError.operation("a format needs a number after its point")
      }
      precision = number
    }
    type = rest.popFirst()
    guard rest.isEmpty else {
      throw TemplateError.operation("'\(text.string)' is no format")
    }
  }

  /// Digits, at most nine of which count: more lie beyond every bound.
  static func number(_ scalars: inout ArraySlice<Unicode.Scalar>) -> Int? {
    let digits = scalars.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { return nil }
    scalars = scalars.dropFirst(digits.count)
    return digits.count > 9 ? .max / 4 : digits.reduce(0) { $0 * 10 + Int($1.value) - 48 }
  }
}

extension Interpreter {
  /// Python's `format(value, specification)`.
  func formatted(_ value: Value, _ text: Text) throws -> Text {
    if text.isEmpty { return try value.printed(self) }
    let specification = try FormatSpecification(parsing: text)
    try checkSize(max(specification.width, specification.precision ?? 0))
    try charge(max(specification.width, specification.precision ?? 0) / 8)
    switch value {
    case .text(let string): return try layOut(string, specification)
    case .integer(let integer): return try layOut(integer, specification)
    case .boolean(let flag): return try layOut(Integer(flag ? 1 : 0), specification)
    case .float(let number): return try layOut(number, specification)
    default:
      throw TemplateError.operation("\(value.kind) takes no format such as '\(text.string)'")
    }
  }

  private func layOut(_ string: Text, _ specification: FormatSpecification) throws -> Text {
    guard [nil, "s"].contains(specification.type), specification.alignment != "=",
      specification.sign == "-", specification.grouping == nil, !specification.isAlternate
    else { throw TemplateError.operation("the format is none for a string") }
    let cut = string[0..<min(string.count, specification.precision ?? string.count)]
    return try pad(cut, specification, standard: "<")
  }

  private func layOut(_ integer: Integer, _ specification: FormatSpecification) throws -> Text {
    let radixes: [Unicode.Scalar: (Int, String)] = [
      "d": (10, ""), "n": (10, ""), "b": (2, "0b"), "o": (8, "0o"), "x": (16, "0x"),
      "X": (16, "0X"),
    ]
    let type = specification.type ?? "d"
    if type == "c", let code = integer.int.flatMap(UInt32.init(exactly:)),
      let scalar = Unicode.Scalar(code)
    {
      return try pad(Text(String(scalar)), specification, standard: "<")
    }
    guard let (radix, prefix) = radixes[type] else {
      return try layOut(integer.double, specification)
    }
    guard specification.precision == nil else {
      throw TemplateError.operation("the format of an integer takes no precision")
    }
    _ = try digits(of: integer)
    var digits = integer.magnitude.text(radix: radix)
    if type == "X" { digits = digits.uppercased() }
    return try sign(
      specification.isAlternate ? prefix : "", digits, isNegative: integer.isNegative,
      specification, groupSize: radix == 10 ? 3 : 4)
  }

  private func layOut(_ number: Double, _ specification: FormatSpecification) throws -> Text {
    let magnitude = number.magnitude
    let places = specification.precision ?? 6
    guard places <= 400 else {
      throw TemplateError(.limit, "a number is asked for more than 400 places")
    }
    let digits: String
    switch specification.type {
    case "f", "F": digits = PythonFloat.fixed(magnitude, places: places)
    case "e", "E": digits = PythonFloat.scientific(magnitude, places: places)
    case "g", "G", "n":
      digits = PythonFloat.general(magnitude, digits: max(places, 1))
    case "%": digits = PythonFloat.fixed(magnitude * 100, places: places) + "%"
    case nil where specification.precision == nil: digits = PythonFloat.text(magnitude)
    case nil: digits = PythonFloat.generalWithPoint(magnitude, digits: max(places, 1))
    default: throw TemplateError.operation("the format is none for a number")
    }
    let upper = ["E", "G", "F"].contains(specification.type)
    return try sign(
      "", upper ? digits.uppercased() : digits, isNegative: number.sign == .minus && !number.isNaN,
      specification, groupSize: 3)
  }

  /// Sign, prefix and grouped digits, padded between sign and digits or around.
  private func sign(
    _ prefix: String, _ digits: String, isNegative: Bool, _ specification: FormatSpecification,
    groupSize: Int
  ) throws -> Text {
    let signs = isNegative ? "-" : specification.sign == "-" ? "" : String(specification.sign)
    let head = Text(signs + prefix)
    var body = Text(grouped(digits, specification.grouping, groupSize))
    if specification.alignment == "=" {
      // Zeros in front are grouped with the digits.
      if specification.fill == "0", let separator = specification.grouping {
        var zeros = digits
        while grouped(zeros, separator, groupSize).count + head.count < specification.width {
          zeros = "0" + zeros
          body = Text(grouped(zeros, separator, groupSize))
        }
      }
      let missing = specification.width - head.count - body.count
      return Text.joined([head, specification.fill.repeated(missing), body])
    }
    return try pad(Text.joined([head, body]), specification, standard: ">")
  }

  private func grouped(_ digits: String, _ separator: Unicode.Scalar?, _ size: Int) -> String {
    guard let separator else { return digits }
    let whole = digits.prefix { $0.isHexDigit }
    var result = ""
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % size == 0 { result.unicodeScalars.append(separator) }
      result.append(digit)
    }
    return result + digits.dropFirst(whole.count)
  }

  private func pad(
    _ text: Text, _ specification: FormatSpecification, standard: Unicode.Scalar
  ) throws -> Text {
    let missing = max(0, specification.width - text.count)
    let left: Int
    switch specification.alignment ?? standard {
    case "<": left = 0
    case "^": left = missing / 2
    default: left = missing
    }
    return Text.joined([
      specification.fill.repeated(left), text, specification.fill.repeated(missing - left),
    ])
  }
}
