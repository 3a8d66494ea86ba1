import ArgumentParser
import Support

extension Option where Value: RangedNumber {
  /// An option that takes a number of a range. The help states the range and the default.
  init(
    wrappedValue: Value, name: NameSpecification = .long, in range: NumberRange<Value>,
    help: String
  ) {
    self.init(
      wrappedValue: wrappedValue, name: name,
      help: ArgumentHelp("\(help) (\(range.span); default: \(wrappedValue.numeral))"),
      transform: { try read($0, in: range) })
  }
}

extension Option {
  /// An option that takes a number of a range, or is left out. The help states the range.
  ///
  /// - Parameter standard: what stands where it is left out, for the help.
  init<Number: RangedNumber>(
    name: NameSpecification = .long, in range: NumberRange<Number>, or standard: Number? = nil,
    help: String
  ) where Value == Number? {
    let fallback = standard.map { "; default: \($0.numeral)" } ?? ""
    self.init(
      name: name, help: ArgumentHelp("\(help) (\(range.span)\(fallback))"),
      transform: { try read($0, in: range) })
  }
}

extension Option where Value == Share {
  /// An option that takes a share, as `0.1` or `10%`.
  init(
    wrappedValue: Share, name: NameSpecification = .long,
    in range: NumberRange<Double> = NumberRange(0...1), help: String
  ) {
    self.init(
      wrappedValue: wrappedValue, name: name,
      help: ArgumentHelp(
        "\(help) (\(range.span), as \(example(of: range)); default: \(wrappedValue))",
        valueName: "share"),
      transform: { try share($0, in: range) })
  }
}

extension Option where Value == Share? {
  /// An option that takes a share, as `0.1` or `10%`, or is left out.
  init(
    name: NameSpecification = .long, in range: NumberRange<Double> = NumberRange(0...1),
    or standard: Share? = nil, help: String
  ) {
    let fallback = standard.map { "; default: \($0)" } ?? ""
    self.init(
      name: name,
      help: ArgumentHelp(
        "\(help) (\(range.span), as \(example(of: range))\(fallback))", valueName: "share"),
      transform: { try share($0, in: range) })
  }
}

/// How a share of a range may be written.
private func example(of range: NumberRange<Double>) -> String {
  range.contains(0.1) ? "0.1 or 10%" : "0.95 or 95%"
}

/// Of what is random.
enum Seed {
  static let range = NumberRange(0...UInt64.max)
}

/// The parser itself says what was found, and for which option.
struct Expected: Error, CustomStringConvertible {
  let description: String
}

private func read<Number: RangedNumber>(
  _ text: String, in range: NumberRange<Number>
) throws -> Number {
  do { return try range.read(text) } catch {
    throw Expected(description: "expected \(error.expected)")
  }
}

private func share(_ text: String, in range: NumberRange<Double>) throws -> Share {
  do { return try Share(parsing: text, in: range) } catch {
    throw Expected(description: "expected \(error.expected)")
  }
}
