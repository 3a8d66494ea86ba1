/// An integer of any size: a sign and digits to the base 2³².
///
/// Templates hardly ever leave 64 bits; this is for those that do, as Python's integers have no end.
struct BigInteger: Hashable, Sendable {
  /// The least digit first, no zero at the end; empty for zero.
  private(set) var digits: [UInt32]
  private(set) var isNegative: Bool

  private init(digits: [UInt32], isNegative: Bool) {
    var digits = digits
    while digits.last == 0 { digits.removeLast() }
    self.digits = digits
    self.isNegative = isNegative && !digits.isEmpty
  }

  init(_ value: Int) {
    let magnitude = value.magnitude
    self.init(
      digits: [UInt32(truncatingIfNeeded: magnitude), UInt32(truncatingIfNeeded: magnitude >> 32)],
      isNegative: value < 0)
  }

  /// The whole part of a finite number.
  init(truncating value: Double) {
    let whole = value.magnitude.rounded(.towardZero)
    guard whole >= 1 else {
      self.init(0)
      return
    }
    // significand = 1.xxx, so the integer is (1.xxx · 2⁵²) · 2^(exponent − 52).
    let exponent = Int(whole.exponent)
    let mantissa = whole.significandBitPattern | (1 << 52)
    let base = BigInteger(Int(mantissa))
    let shifted = exponent >= 52 ? base << (exponent - 52) : BigInteger(Int(whole))
    self.init(digits: shifted.digits, isNegative: value < 0)
  }

  /// The value where it fits.
  var int: Int? {
    guard digits.count <= 2 else { return nil }
    let magnitude = digits.reversed().reduce(UInt(0)) { $0 << 32 | UInt($1) }
    if !isNegative { return Int(exactly: magnitude) }
    return magnitude <= Int.min.magnitude ? Int(truncatingIfNeeded: 0 &- magnitude) : nil
  }

  var isZero: Bool { digits.isEmpty }
  var bitWidth: Int { digits.count * 32 - (digits.last?.leadingZeroBitCount ?? 0) }

  /// The nearest number, ties to even; infinite beyond the range.
  var double: Double {
    let excess = max(0, bitWidth - 64)
    // The upper 64 bits, the least of them set where any bit below is: then one rounding is right.
    let upper = magnitude >> excess
    var bits = upper.digits.reversed().reduce(UInt64(0)) { $0 << 32 | UInt64($1) }
    if excess > 0, upper << excess != magnitude { bits |= 1 }
    let value = Double(sign: .plus, exponent: excess, significand: Double(bits))
    return isNegative ? -value : value
  }

  var magnitude: BigInteger { BigInteger(digits: digits, isNegative: false) }

  static prefix func - (value: BigInteger) -> BigInteger {
    BigInteger(digits: value.digits, isNegative: !value.isNegative)
  }

  static func + (left: BigInteger, right: BigInteger) -> BigInteger {
    if left.isNegative == right.isNegative {
      return BigInteger(digits: sum(left.digits, right.digits), isNegative: left.isNegative)
    }
    return precedes(left.digits, right.digits)
      ? BigInteger(digits: difference(right.digits, left.digits), isNegative: right.isNegative)
      : BigInteger(digits: difference(left.digits, right.digits), isNegative: left.isNegative)
  }

  static func - (left: BigInteger, right: BigInteger) -> BigInteger { left + -right }

  static func * (left: BigInteger, right: BigInteger) -> BigInteger {
    var digits = [UInt32](repeating: 0, count: left.digits.count + right.digits.count)
    for (offset, factor) in left.digits.enumerated() {
      var carry: UInt64 = 0
      for (index, digit) in right.digits.enumerated() {
        carry += UInt64(factor) * UInt64(digit) + UInt64(digits[offset + index])
        digits[offset + index] = UInt32(truncatingIfNeeded: carry)
        carry >>= 32
      }
      digits[offset + right.digits.count] = UInt32(carry)
    }
    return BigInteger(digits: digits, isNegative: left.isNegative != right.isNegative)
  }

  /// The quotient rounded down and the remainder of the divisor's sign, as Python divides.
  func floorDivided(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
    let (quotient, remainder) = magnitude.divided(by: divisor.magnitude)
    if isNegative == divisor.isNegative {
      return (quotient, isNegative ? -remainder : remainder)
    }
    if remainder.isZero { return (-quotient, remainder) }
    let rest = divisor.magnitude - remainder
    return (-(quotient + BigInteger(1)), divisor.isNegative ? -rest : rest)
  }

  /// Long division, bit by bit, of two numbers without sign.
  private func divided(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
    if divisor.digits.count == 1 { return divided(byDigit: divisor.digits[0]) }
    var quotient = [UInt32](repeating: 0, count: digits.count)
    var remainder = BigInteger(0)
    for bit in (0..<bitWidth).reversed() {
      let next = digits[bit / 32] >> UInt32(bit % 32) & 1
      remainder = (remainder << 1) + BigInteger(Int(next))
      if !Self.precedes(remainder.digits, divisor.digits) {
        remainder = remainder - divisor
        quotient[bit / 32] |= 1 << UInt32(bit % 32)
      }
    }
    return (BigInteger(digits: quotient, isNegative: false), remainder)
  }

  private func divided(byDigit divisor: UInt32) -> (quotient: BigInteger, remainder: BigInteger) {
    var quotient = digits
    var remainder: UInt64 = 0
    for index in digits.indices.reversed() {
      remainder = remainder << 32 | UInt64(digits[index])
      quotient[index] = UInt32(remainder / UInt64(divisor))
      remainder %= UInt64(divisor)
    }
    return (BigInteger(digits: quotient, isNegative: false), BigInteger(Int(remainder)))
  }

  static func << (value: BigInteger, bits: Int) -> BigInteger {
    let (whole, part) = (bits / 32, UInt64(bits % 32))
    var digits = [UInt32](repeating: 0, count: whole)
    var carry: UInt64 = 0
    for digit in value.digits {
      carry |= UInt64(digit) << part
      digits.append(UInt32(truncatingIfNeeded: carry))
      carry >>= 32
    }
    digits.append(UInt32(carry))
    return BigInteger(digits: digits, isNegative: value.isNegative)
  }

  /// Without the lower bits; of a number without sign.
  static func >> (value: BigInteger, bits: Int) -> BigInteger {
    let (whole, part) = (bits / 32, UInt64(bits % 32))
    guard whole < value.digits.count else { return BigInteger(0) }
    let kept = Array(value.digits[whole...])
    let digits = kept.indices.map { index in
      let above = index + 1 < kept.count ? UInt64(kept[index + 1]) << 32 : 0
      return UInt32(truncatingIfNeeded: (above | UInt64(kept[index])) >> part)
    }
    return BigInteger(digits: digits, isNegative: value.isNegative)
  }

  private static func sum(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var result: [UInt32] = []
    var carry: UInt64 = 0
    for index in 0..<max(left.count, right.count) {
      carry += index < left.count ? UInt64(left[index]) : 0
      carry += index < right.count ? UInt64(right[index]) : 0
      result.append(UInt32(truncatingIfNeeded: carry))
      carry >>= 32
    }
    return result + [UInt32(carry)]
  }

  /// The larger minus the smaller.
  private static func difference(_ larger: [UInt32], _ smaller: [UInt32]) -> [UInt32] {
    var borrow: Int64 = 0
    return larger.indices.map { index in
      var digit = Int64(larger[index]) - borrow
      digit -= index < smaller.count ? Int64(smaller[index]) : 0
      borrow = digit < 0 ? 1 : 0
      return UInt32(truncatingIfNeeded: digit)
    }
  }

  private static func precedes(_ left: [UInt32], _ right: [UInt32]) -> Bool {
    if left.count != right.count { return left.count < right.count }
    for index in left.indices.reversed() where left[index] != right[index] {
      return left[index] < right[index]
    }
    return false
  }
}

extension BigInteger: Comparable {
  static func < (left: BigInteger, right: BigInteger) -> Bool {
    if left.isNegative != right.isNegative { return left.isNegative }
    return left.isNegative
      ? precedes(right.digits, left.digits) : precedes(left.digits, right.digits)
  }
}

extension BigInteger: CustomStringConvertible {
  /// Digits of a base from 2 to 36, which stand for themselves or are letters.
  init?(_ text: String, radix: Int = 10) {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative ? text.dropFirst() : text[...]
    guard !digits.isEmpty else { return nil }
    var value = BigInteger(0)
    for character in digits {
      guard let digit = character.hexDigitOrLetter, digit < radix else { return nil }
      value = value * BigInteger(radix) + BigInteger(digit)
    }
    self = isNegative ? -value : value
  }

  func text(radix: Int) -> String {
    if isZero { return "0" }
    // As many digits at once as fit.
    let (chunk, width) =
      [2: (1 << 30, 30), 8: (1 << 30, 10), 16: (1 << 28, 7)][radix]
      ?? (1_000_000_000, 9)
    var parts: [String] = []
    var rest = magnitude
    while !rest.isZero {
      let (quotient, remainder) = rest.divided(byDigit: UInt32(chunk))
      let text = String(remainder.int ?? 0, radix: radix)
      parts.append(
        quotient.isZero ? text : String(repeating: "0", count: width - text.count) + text)
      rest = quotient
    }
    return (isNegative ? "-" : "") + parts.reversed().joined()
  }

  var description: String { text(radix: 10) }
}

extension Character {
  /// The digit's value in bases up to 36.
  fileprivate var hexDigitOrLetter: Int? {
    guard let code = asciiValue else { return nil }
    switch code {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return Int(code - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): return Int(code - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): return Int(code - UInt8(ascii: "A")) + 10
    default: return nil
    }
  }
}
