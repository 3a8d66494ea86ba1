import Foundation

/// Numbers with a fraction, written and read as Python's `float`.
enum PythonFloat {
  /// The shortest text that reads as the same number: plain from 1e-4 to 1e16, else with an exponent.
  static func text(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let sign = value.sign == .minus ? "-" : ""
    if value == 0 { return sign + "0.0" }
    let (digits, point) = shortest(value.magnitude)
    if point > 16 || point < -3 {
      let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
      return sign + String(digits.prefix(1)) + fraction + exponent(point - 1)
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if digits.count <= point {
      return sign + digits + String(repeating: "0", count: point - digits.count) + ".0"
    }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }

  /// `e+16`, `e-05`.
  static func exponent(_ exponent: Int) -> String {
    let digits = String(exponent.magnitude)
    return (exponent < 0 ? "e-" : "e+") + (digits.count < 2 ? "0" : "") + digits
  }

  /// The shortest digits d₁d₂… that tell the number from its neighbours, and where the point stands:
  /// 0.d₁d₂… · 10^point.
  private static func shortest(_ value: Double) -> (digits: String, point: Int) {
    let text = value.description
    let parts = text.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(mantissa[0])
    let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
    var digits = whole + fraction
    var point = whole.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.hasPrefix("0") {
      digits.removeFirst()
      point -= 1
    }
    while digits.hasSuffix("0") { digits.removeLast() }
    return (digits, point)
  }

  /// What Python's `float` reads; nil where it reads none.
  static func parse(_ text: Text) -> Double? {
    guard let plain = withoutUnderscores(text.stripped().scalars)?.lowercased() else { return nil }
    let unsigned = plain.first == "-" || plain.first == "+" ? plain.dropFirst() : plain[...]
    let sign: Double = plain.first == "-" ? -1 : 1
    switch unsigned {
    case "inf", "infinity": return sign * .infinity
    case "nan": return .nan
    default:
      guard unsigned.first.map({ $0.isASCII && $0.isNumber || $0 == "." }) == true,
        unsigned.allSatisfy({ "0123456789.e+-".contains($0) })
      else { return nil }
      // "1." and ".5" are numbers too.
      return strictDouble(String(unsigned)).map { sign * $0 }
    }
  }

  private static func strictDouble(_ text: String) -> Double? {
    let parts = text.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard mantissa.count <= 2, mantissa.contains(where: { !$0.isEmpty }) else { return nil }
    let whole = mantissa[0].isEmpty ? "0" : String(mantissa[0])
    let fraction = mantissa.count == 2 && !mantissa[1].isEmpty ? "." + mantissa[1] : ""
    return Double(whole + fraction + (parts.count == 2 ? "e" + parts[1] : ""))
  }

  /// Rounded to decimal places, halves to even, by the exact value: `round(2.675, 2)` is 2.67.
  static func rounded(_ value: Double, places: Int) -> Double {
    guard value.isFinite, places < 324 else { return value }
    if places >= 0 { return Double(fixed(value, places: places)) ?? value }
    guard places > -309 else { return 0 * value }
    let unit = pow(10, Double(-places))
    return (value / unit).rounded(.toNearestOrEven) * unit
  }

  /// With a number of decimal places: `%.2f`.
  static func fixed(_ value: Double, places: Int) -> String {
    String(format: "%.\(places)f", value)
  }

  /// With an exponent: `%.2e`.
  static func scientific(_ value: Double, places: Int) -> String {
    String(format: "%.\(places)e", value)
  }

  /// Fixed or scientific, with significant digits: `%.6g`; with all zeros where `keepsZeros`.
  static func general(_ value: Double, digits: Int, keepsZeros: Bool = false) -> String {
    String(format: keepsZeros ? "%#.\(digits)g" : "%.\(digits)g", value)
  }
}

extension PythonFloat {
  /// As `general`, with a digit after the point at least: how `format` writes by precision alone.
  static func generalWithPoint(_ value: Double, digits: Int) -> String {
    let text = general(value, digits: digits)
    if !value.isFinite { return text }
    // Where plain notation would need all the digits for the whole part, an exponent is written.
    if !text.contains("e"), !text.contains("."), text.count >= digits {
      let scientific = scientific(value, places: digits - 1)
      guard let mark = scientific.firstIndex(of: "e") else { return text }
      var mantissa = scientific[..<mark]
      if mantissa.contains(".") {
        while mantissa.hasSuffix("0") { mantissa.removeLast() }
        if mantissa.hasSuffix(".") { mantissa.removeLast() }
      }
      return String(mantissa) + scientific[mark...]
    }
    return text.contains("e") || text.contains(".") ? text : text + ".0"
  }
}
