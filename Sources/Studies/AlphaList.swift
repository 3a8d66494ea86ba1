/// The α of a sweep, as `--alpha` spells them.
package struct AlphaList: Hashable, Sendable {
  /// Ascending, each once.
  package let values: [Double]

  /// Beyond this weights leave the range of their element type.
  package static let largest = 1_000.0

  /// - Parameter text: `0..2` (both ends, step 0.25), `0..2:0.5`, or `0,0.5,1.25`. Multiples of the
  ///   step are rounded to nine decimals, so that 0.1 three times is 0.3.
  package init(parsing text: String) throws(StudyError) {
    func number(_ part: some StringProtocol) throws(StudyError) -> Double {
      guard let value = Double(part.trimmingSpaces), value.isFinite, abs(value) <= Self.largest
      else {
        throw .invalidAlphas(text: text, reason: "found \"\(part)\" for a number up to 1000")
      }
      return value
    }
    if let dots = text.firstRange(of: "..") {
      let first = try number(text[..<dots.lowerBound])
      let rest = text[dots.upperBound...].split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let last = try number(rest[0])
      let step = rest.count > 1 ? try number(rest[1]) : 0.25
      guard step > 0 else { throw .invalidAlphas(text: text, reason: "found a step of \(step)") }
      guard first <= last else {
        throw .invalidAlphas(text: text, reason: "found \(first) after \(last)")
      }
      let count = Int(((last - first) / step + 1e-9).rounded(.down))
      guard count < 1_000 else {
        throw .invalidAlphas(text: text, reason: "found \(count + 1) values")
      }
      var values = (0...count).map { Self.rounded(first + Double($0) * step) }
      if let end = values.last, last - end > 1e-9 { values.append(last) }
      self.values = values
    } else {
      var values: [Double] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        values.append(try number(part))
      }
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
