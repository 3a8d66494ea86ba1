import Foundation

/// `+ - * / // % **`, as Python computes.
extension Interpreter {
  func arithmetic(_ operation: Arithmetic, _ left: Value, _ right: Value) throws -> Value {
    if operation == .remainder, case .text(let format) = left {
      return .text(try percentFormat(format, right))
    }
    for case .undefined(let undefined) in [left, right] { throw undefined.error }
    if let first = left.integer, let second = right.integer {
      return try integers(operation, first, second)
    }
    if let first = left.number, let second = right.number {
      guard first.isFinite || left.integer == nil, second.isFinite || right.integer == nil else {
        throw TemplateError.operation("an integer is too large for a float")
      }
      return .float(try floats(operation, first, second))
    }
    switch (operation, left, right) {
    case (.add, .text(let first), .text(let second)): return .text(try sum(first, second))
    case (.add, .list(let first), .list(let second)):
      return .list(try ListValue(try sum(first, second), origin: first.origin))
    case (.add, .tuple(let first), .tuple(let second)):
      return .tuple(try ListValue(try sum(first, second), origin: first.origin))
    case (.multiply, let value, let times) where times.integer != nil:
      return try repeated(value, times)
    case (.multiply, let times, let value) where times.integer != nil:
      return try repeated(value, times)
    default: throw mismatch(operation.rawValue, left, right)
    }
  }

  private func mismatch(_ operation: String, _ left: Value, _ right: Value) -> TemplateError {
    .operation("'\(operation)' does not take \(left.kind) and \(right.kind)")
  }

  /// HTML escapes what it is joined with.
  private func sum(_ left: Text, _ right: Text) throws -> Text {
    try reserve(left.count + right.count)
    guard left.isMarkup || right.isMarkup else { return Text.joined([left, right]) }
    return Text.joined([left.escaped, right.escaped]).markup(true)
  }

  private func sum(_ left: ListValue, _ right: ListValue) throws -> [Value] {
    try reserve(left.items.count + right.items.count)
    return left.items + right.items
  }

  private func repeated(_ value: Value, _ times: Value) throws -> Value {
    let number = max(0, times.integer.map { $0.int ?? ($0.isNegative ? 0 : .max) } ?? 0)
    switch value {
    case .text(let text):
      try reserve(text.count, number)
      return .text(text.repeated(text.isEmpty ? 0 : number))
    case .list(let list), .tuple(let list):
      try reserve(list.items.count * 8, number)
      let items = list.items.isEmpty ? [] : (0..<number).flatMap { _ in list.items }
      let result = try ListValue(items, origin: list.origin)
      if case .list = value { return .list(result) }
      return .tuple(result)
    default: throw mismatch("*", value, times)
    }
  }

  private func integers(
    _ operation: Arithmetic, _ left: Integer, _ right: Integer
  ) throws -> Value {
    if case .large(let first) = left, operation != .add, operation != .subtract {
      try charge(first.bitWidth * (1 + right.big.bitWidth / 32) / 32)
    }
    switch operation {
    case .add: return .integer(left + right)
    case .subtract: return .integer(left - right)
    case .multiply:
      try checkBits(left.big.bitWidth + right.big.bitWidth)
      return .integer(left * right)
    case .power: return try power(left, right)
    case .divide, .floorDivide, .remainder:
      guard !right.isZero else { throw TemplateError.operation("division by zero") }
      if operation == .divide {
        let quotient = left.double / right.double
        guard quotient.isFinite else {
          throw TemplateError.operation("a quotient is too large for a float")
        }
        return .float(quotient)
      }
      let (quotient, remainder) = left.floorDivided(by: right)
      return .integer(operation == .floorDivide ? quotient : remainder)
    }
  }

  private func power(_ base: Integer, _ exponent: Integer) throws -> Value {
    if exponent.isNegative {
      return .float(try floats(.power, base.double, exponent.double))
    }
    if [.small(0), .small(1)].contains(base) {
      return .integer(exponent.isZero ? .small(1) : base)
    }
    guard let times = exponent.int else { throw tooManyBits }
    let (bits, overflow) = base.big.bitWidth.multipliedReportingOverflow(by: times)
    try checkBits(overflow ? .max : bits)
    try charge(bits / 8)
    return .integer(base.raised(to: times))
  }

  /// Far more than can be written; products take the square of it.
  private func checkBits(_ bits: Int) throws {
    guard bits <= 64_000 else { throw tooManyBits }
  }

  private var tooManyBits: TemplateError {
    TemplateError(.limit, "an integer has more than 64000 bits")
  }

  private func floats(_ operation: Arithmetic, _ left: Double, _ right: Double) throws -> Double {
    switch operation {
    case .add: return left + right
    case .subtract: return left - right
    case .multiply: return left * right
    case .power: return try power(left, right)
    case .divide, .floorDivide, .remainder:
      guard right != 0 else { throw TemplateError.operation("division by zero") }
      if operation == .divide { return left / right }
      let (quotient, remainder) = floorDivided(left, right)
      return operation == .floorDivide ? quotient : remainder
    }
  }

  private func power(_ base: Double, _ exponent: Double) throws -> Double {
    if base == 0, exponent < 0 {
      throw TemplateError.operation("zero has no negative power")
    }
    if base < 0, base.isFinite, exponent.isFinite, exponent.rounded() != exponent {
      throw TemplateError.operation("a negative number has no such power")
    }
    let result = pow(base, exponent)
    if result.isInfinite, base.isFinite, exponent.isFinite {
      throw TemplateError.operation("a power is too large for a float")
    }
    return result
  }

  /// The quotient rounded down, and the remainder of the divisor's sign.
  private func floorDivided(
    _ left: Double, _ right: Double
  ) -> (quotient: Double, remainder: Double) {
    var remainder = fmod(left, right)
    var quotient = (left - remainder) / right
    if remainder != 0 {
      if (right < 0) != (remainder < 0) {
        remainder += right
        quotient -= 1
      }
    } else {
      remainder = Double(signOf: right, magnitudeOf: 0)
    }
    guard quotient != 0 else {
      return (Double(signOf: left / right, magnitudeOf: 0), remainder)
    }
    var whole = quotient.rounded(.down)
    if quotient - whole > 0.5 { whole += 1 }
    return (whole, remainder)
  }

  func negated(_ value: Value) throws -> Value {
    switch try signed(value, "-") {
    case .integer(let integer): return .integer(-integer)
    case .float(let number): return .float(-number)
    default: return value
    }
  }

  /// A number, of which a boolean is one.
  func signed(_ value: Value, _ sign: String) throws -> Value {
    if case .undefined(let undefined) = value { throw undefined.error }
    if case .float = value { return value }
    guard let integer = value.integer else {
      throw TemplateError.operation("'\(sign)' does not take \(value.kind)")
    }
    return .integer(integer)
  }
}
