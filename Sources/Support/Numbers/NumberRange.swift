/// The numbers that a flag, or a field of a file, takes: stated once, checked where the number is read,
/// and shown by the help text.
package struct NumberRange<Value: RangedNumber>: Hashable, Sendable {
  package let least: Value
  package let most: Value
  private let excludesLeast: Bool
  private let excludesMost: Bool

  /// Both ends belong to it.
  package init(_ range: ClosedRange<Value>) {
    self.init(range.lowerBound, range.upperBound, excludesLeast: false, excludesMost: false)
  }

  private init(_ least: Value, _ most: Value, excludesLeast: Bool, excludesMost: Bool) {
    (self.least, self.most) = (least, most)
    (self.excludesLeast, self.excludesMost) = (excludesLeast, excludesMost)
  }

  package static func above(_ least: Value, upTo most: Value) -> NumberRange {
    NumberRange(least, most, excludesLeast: true, excludesMost: false)
  }

  package static func from(_ least: Value, below most: Value) -> NumberRange {
    NumberRange(least, most, excludesLeast: false, excludesMost: true)
  }

  /// What is no number is in no range.
  package func contains(_ value: Value) -> Bool {
    (excludesLeast ? value > least : value >= least)
      && (excludesMost ? value < most : value <= most)
  }

  /// As the help text has it: `1 to 512`, `above 0, up to 86400`, `0 to below 1`.
  package var span: String { text(above: "above \(least.numeral), up to") }

  /// As a sentence has it: `a whole number from 1 to 512`, `a number above 0 and up to 86400`.
  package var phrase: String {
    Value.noun + (excludesLeast ? " " : " from ") + text(above: "above \(least.numeral) and up to")
  }

  private func text(above: String) -> String {
    let start = excludesLeast ? above : "\(least.numeral) \(excludesMost ? "to below" : "to")"
    return "\(start) \(most.numeral)"
  }

  /// Reads a number as people write it: decimal digits, a sign, of fractions a dot and an exponent.
  ///
  /// - Throws: `NumberOutOfRange` where it is none, or outside the range.
  package func read(_ text: some StringProtocol) throws(NumberOutOfRange) -> Value {
    guard let value = Value(numeral: String(text)), contains(value) else {
      throw NumberOutOfRange(expected: phrase, found: String(text))
    }
    return value
  }
}

/// A number that is none, or outside the range that is asked for.
package struct NumberOutOfRange: Error, Equatable, CustomStringConvertible {
  package let expected: String
  package let found: String

  package init(expected: String, found: String) {
    (self.expected, self.found) = (expected, found)
  }

  package var description: String { "expected \(expected), found \(found)" }
}

/// A kind of number that has ranges.
package protocol RangedNumber: Comparable, Hashable, Sendable {
  /// What one is called in a sentence.
  static var noun: String { get }
  /// As it is written.
  var numeral: String { get }
  /// nil for what is no finite number in decimal digits.
  init?(numeral: String)
}

extension Int: RangedNumber {
  package static var noun: String { "a whole number" }
  package var numeral: String { "\(self)" }
  package init?(numeral: String) { self.init(numeral) }
}

extension UInt64: RangedNumber {
  package static var noun: String { "a whole number" }
  package var numeral: String { "\(self)" }
  package init?(numeral: String) { self.init(numeral) }
}

extension Double: RangedNumber {
  package static var noun: String { "a number" }
  package var numeral: String { Number.prose(self) }

  /// The standard library also reads `inf`, `nan` and hexadecimal digits.
  package init?(numeral: String) {
    let isDecimal = numeral.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
    guard isDecimal, let value = Double(numeral), value.isFinite else { return nil }
    self = value
  }
}
