package import Support

/// The α of a sweep, as `--alpha` spells them.
package struct AlphaList: Hashable, Sendable {
  /// Ascending, each once.
  package let values: [Double]

  /// Beyond it weights leave the range of their element type.
  package static let range = NumberRange(-1_000.0...1_000.0)
  /// Of a range's values; a finer one than its results can tell apart.
  package static let stepRange = NumberRange(0.000_001...2_000.0)
  /// Step of a range that does not say one.
  package static let standardStep = 0.25
  /// The most values.
  package static let mostValues = 1_000
  /// The published results' range of α.
  package static let standard = "0..2"

  /// - Parameter text: `0..2` (both ends, step 0.25), `0..2:0.5`, or `0,0.5,1.25`. Multiples of the
  ///   step are rounded to nine decimals, so that 0.1 three times is 0.3.
  package init(parsing text: String) throws(StudyError) {
    func number(
      _ part: some StringProtocol, _ range: NumberRange<Double> = Self.range
    ) throws(StudyError) -> Double {
      do throws(NumberOutOfRange) {
        return try range.read(part.trimmingSpaces)
      } catch {
        throw .invalidAlphas(text: text, reason: "expected \(error.expected), found \"\(part)\"")
      }
    }
    func check(_ count: Double) throws(StudyError) {
      guard count <= Double(Self.mostValues) else {
        throw .invalidAlphas(
          text: text,
          reason: "expected at most \(Self.mostValues) values, found \(Number.text(count))")
      }
    }
    if let dots = text.firstRange(of: "..") {
      let first = try number(text[..<dots.lowerBound])
      let rest = text[dots.upperBound...].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let last = try number(rest[0])
      let step = rest.count > 1 ? try number(rest[1], Self.stepRange) : Self.standardStep
      guard first <= last else {
        throw .invalidAlphas(text: text, reason: "found \(first) after \(last)")
      }
      // Counted before any is made.
      let steps = ((last - first) / step + 1e-9).rounded(.down)
      try check(steps + 1)
      var values = (0...Int(steps)).map { Self.rounded(first + Double($0) * step) }
      if let end = values.last, last - end > 1e-9 { values.append(last) }
      self.values = values
    } else {
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      try check(Double(parts.count))
      var values: [Double] = []
      for part in parts { values.append(try number(part)) }
      self.values = Array(Set(values)).sorted()
    }
  }

  private static func rounded(_ value: Double) -> Double { (value * 1e9).rounded() / 1e9 }
}

extension StringProtocol {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
