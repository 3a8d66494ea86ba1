import Foundation

extension Library {
  static let numberFilters: [String: Filter] = [
    "abs": Filter { value, _, interpreter in
      switch try interpreter.signed(value, "abs") {
      case .integer(let integer): .integer(integer.magnitude)
      case .float(let number): .float(number.magnitude)
      default: value
      }
    },
    "int": Filter(["default", "base"]) { value, arguments, interpreter in
      if case .undefined(let undefined) = value { throw undefined.error }
      if case .float(let number) = value, number.isInfinite {
        throw TemplateError.operation("an infinite number has no integer")
      }
      let base = try arguments.integer("base") ?? 10
      return integer(value, base: base).map(Value.integer) ?? arguments["default"] ?? .int(0)
    },
    "float": Filter(["default"]) { value, arguments, _ in
      let number = value.text.map(PythonFloat.parse) ?? value.number
      if case .undefined(let undefined) = value { throw undefined.error }
      return number.map(Value.float) ?? arguments["default"] ?? .float(0)
    },
    "round": Filter(["precision", "method"]) { value, arguments, interpreter in
      try rounded(try interpreter.signed(value, "round"), arguments)
    },
  ]

  /// What Python's `int` makes of a value, by way of `float` where it must; nil where nothing.
  static func integer(_ value: Value, base: Int) -> Integer? {
    if let text = value.text {
      return Integer(parsing: text, base: base)
        ?? PythonFloat.parse(text).flatMap(Integer.init(truncating:))
    }
    if let integer = value.integer { return integer }
    return value.number.flatMap(Integer.init(truncating:))
  }

  private static func rounded(_ value: Value, _ arguments: BoundArguments) throws -> Value {
    let method = try arguments.text("method") ?? "common"
    let places = try arguments.integer("precision") ?? 0
    let directions: [Text: FloatingPointRoundingRule] = ["ceil": .up, "floor": .down]
    if method == "common" {
      if case .integer(let integer) = value {
        return .integer(try rounded(integer, places: places))
      }
      return .float(PythonFloat.rounded(value.number ?? 0, places: places))
    }
    guard let direction = directions[method] else {
      throw TemplateError.operation("the filter 'round' takes 'common', 'ceil' or 'floor'")
    }
    let unit = pow(10, Double(places))
    return .float(((value.number ?? 0) * unit).rounded(direction) / unit)
  }

  /// To tens, hundreds, …, where places are negative; halves to even.
  private static func rounded(_ integer: Integer, places: Int) throws -> Integer {
    guard places < 0 else { return integer }
    guard places > -Limits.digits else { return .small(0) }
    let unit = Integer(10).raised(to: -places)
    let (quotient, remainder) = integer.floorDivided(by: unit)
    let twice = remainder * .small(2)
    let isOdd = quotient.floorDivided(by: .small(2)).remainder == .small(1)
    return (twice > unit || (twice == unit && isOdd) ? quotient + .small(1) : quotient) * unit
  }
}
