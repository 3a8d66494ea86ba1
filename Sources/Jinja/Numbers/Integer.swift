/// Python's `int`: 64 bits while they suffice, then as many as it takes.
enum Integer: Hashable, Sendable {
  case small(Int)
  /// Only what does not fit into `small`.
  case large(BigInteger)

  init(_ value: Int) { self = .small(value) }

  init(_ value: BigInteger) {
    if let int = value.int { self = .small(int) } else { self = .large(value) }
  }

  /// The whole part of a number; nil where it is not finite.
  init?(truncating value: Double) {
    guard value.isFinite else { return nil }
    self =
      Int(exactly: value.rounded(.towardZero)).map(Integer.small)
      ?? Integer(BigInteger(truncating: value))
  }

  var big: BigInteger {
    switch self {
    case .small(let value): BigInteger(value)
    case .large(let value): value
    }
  }

  var int: Int? {
    if case .small(let value) = self { value } else { nil }
  }

  var double: Double {
    switch self {
    case .small(let value): Double(value)
    case .large(let value): value.double
    }
  }

  var isZero: Bool { self == .small(0) }
  var isNegative: Bool {
    switch self {
    case .small(let value): value < 0
    case .large(let value): value.isNegative
    }
  }

  var magnitude: Integer { isNegative ? -self : self }

  static prefix func - (value: Integer) -> Integer { .small(0) - value }

  static func + (left: Integer, right: Integer) -> Integer {
    combine(left, right, { $0.addingReportingOverflow($1) }, +)
  }

  static func - (left: Integer, right: Integer) -> Integer {
    combine(left, right, { $0.subtractingReportingOverflow($1) }, -)
  }

  static func * (left: Integer, right: Integer) -> Integer {
    combine(left, right, { $0.multipliedReportingOverflow(by: $1) }, *)
  }

  private static func combine(
    _ left: Integer, _ right: Integer,
    _ small: (Int, Int) -> (partialValue: Int, overflow: Bool),
    _ large: (BigInteger, BigInteger) -> BigInteger
  ) -> Integer {
    if case .small(let first) = left, case .small(let second) = right {
      let (value, overflow) = small(first, second)
      if !overflow { return .small(value) }
    }
    return Integer(large(left.big, right.big))
  }

  /// Rounded down, with a remainder of the divisor's sign; the divisor must not be zero.
  func floorDivided(by divisor: Integer) -> (quotient: Integer, remainder: Integer) {
    if case .small(let first) = self, case .small(let second) = divisor, second != -1 {
      var (quotient, remainder) = first.quotientAndRemainder(dividingBy: second)
      if remainder != 0, (remainder < 0) != (second < 0) {
        quotient -= 1
        remainder += second
      }
      return (.small(quotient), .small(remainder))
    }
    let (quotient, remainder) = big.floorDivided(by: divisor.big)
    return (Integer(quotient), Integer(remainder))
  }

  /// To a power that is not negative.
  func raised(to power: Int) -> Integer {
    var result = Integer(1)
    var square = self
    var left = power
    while left > 0 {
      if left & 1 == 1 { result = result * square }
      left >>= 1
      if left > 0 { square = square * square }
    }
    return result
  }

  func text(radix: Int = 10) -> String {
    switch self {
    case .small(let value): String(value, radix: radix)
    case .large(let value): value.text(radix: radix)
    }
  }

  /// What Python's `int` reads: white space around, a sign, `_` between digits, with base 0 or the
  /// base's own prefix; nil where it reads none.
  init?(parsing text: Text, base: Int = 10) {
    var digits = text.stripped().scalars[...]
    var isNegative = false
    if let sign = digits.first, sign == "-" || sign == "+" {
      isNegative = sign == "-"
      digits = digits.dropFirst()
    }
    var radix = base
    let prefixes: [Unicode.Scalar: Int] = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2]
    if digits.first == "0", let letter = digits.dropFirst().first, let named = prefixes[letter],
      base == 0 || base == named
    {
      radix = named
      digits = digits.dropFirst(2)
      if digits.first == "_" { digits = digits.dropFirst() }
    } else if base == 0 {
      radix = 10
      // A leading zero would be another language's octal number.
      if digits.first == "0", digits.contains(where: { $0 != "0" && $0 != "_" }) { return nil }
    }
    guard (2...36).contains(radix), let plain = withoutUnderscores(digits),
      plain.count <= Limits.digits, let value = BigInteger(plain, radix: radix)
    else { return nil }
    self.init(isNegative ? -value : value)
  }
}

extension Integer: Comparable {
  static func < (left: Integer, right: Integer) -> Bool {
    if case .small(let first) = left, case .small(let second) = right { return first < second }
    return left.big < right.big
  }
}

/// Digits in their ASCII form without the single underscores between them; nil where one stands
/// elsewhere.
func withoutUnderscores(_ scalars: some Collection<Unicode.Scalar>) -> String? {
  var result = ""
  var previous: Unicode.Scalar = "_"
  for scalar in scalars {
    if scalar == "_" {
      if !previous.isPythonAlphanumeric { return nil }
    } else if scalar.isPythonDecimal, !scalar.isASCII, let digit = scalar.properties.numericValue {
      result += String(Int(digit))
    } else {
      result.unicodeScalars.append(scalar)
    }
    previous = scalar
  }
  return previous == "_" ? nil : result
}
