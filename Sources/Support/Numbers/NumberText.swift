/// Numbers as they stand in files: a dot, no separators, no trailing zeros.
package enum Number {
  /// 2 rather than 2.0, else the shortest decimal that reads back as the same number.
  package static func text(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }

  /// A count as people read it: 1,234,567.
  package static func grouped(_ count: Int) -> String {
    let digits = Array("\(count.magnitude)")
    let groups = stride(from: digits.count, to: 0, by: -3).map { end in
      String(digits[max(0, end - 3)..<end])
    }
    return (count < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
  }

  /// A number of bytes to three digits: 270 MB, 1.35 GB.
  package static func bytes(_ count: Int) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"]
    var (value, unit) = (Double(count), 0)
    while value >= 999.5, unit + 1 < units.count { (value, unit) = (value / 1000, unit + 1) }
    let digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
    let power = [1.0, 10, 100][digits]
    return "\(text((value * power).rounded() / power)) \(units[unit])"
  }

  /// As `text`, for sentences: 5e-5 rather than 5e-05.
  package static func prose(_ value: Double) -> String {
    text(value).replacing("e-0", with: "e-")
  }
}
