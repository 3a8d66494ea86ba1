/// A share as people write it: `0.1`, or `10%`.
///
/// A bare `1` is refused: it could mean either 1 % or all, and a limit that was meant to be strict would
/// keep nothing out.
package struct Share: Hashable, Sendable, CustomStringConvertible {
  /// 0 to 1.
  package let value: Double

  /// - Precondition: 0 ≤ value ≤ 1.
  package init(_ value: Double) {
    precondition(value >= 0 && value <= 1)
    self.value = value
  }

  /// - Parameter range: what is taken, as a share of 1.
  /// - Throws: `NumberOutOfRange`.
  package init(
    parsing text: some StringProtocol, in range: NumberRange<Double> = NumberRange(0...1)
  ) throws(NumberOutOfRange) {
    func refuse(_ expected: String) -> NumberOutOfRange {
      NumberOutOfRange(expected: expected, found: String(text))
    }
    let isPercent = text.hasSuffix("%")
    let number = isPercent ? String(text.dropLast()) : String(text)
    guard let written = Double(numeral: number) else {
      throw refuse("a share such as 0.1 or 10%")
    }
    // A number without a fraction, other than 0, may be meant in percent.
    if !isPercent, written != 0, !number.contains(".") {
      let isFraction = abs(written) < 1
      guard isFraction else {
        throw refuse(
          written == 1
            ? "1% for one in a hundred, or 1.0 for all: a bare 1 could mean either"
            : "\(number)%, or a share of \(range.span)")
      }
    }
    let value = isPercent ? written / 100 : written
    guard range.contains(value), (0...1).contains(value) else {
      throw refuse("a share of \(range.span), such as 0.1 or 10%")
    }
    self.value = value
  }

  /// `0.05`; all is `1.0`, which reads back.
  package var description: String { "\(value)" }
}
