/// Numbers as they stand in files: a dot, no separators, no trailing zeros.
package enum Number {
  /// 2 rather than 2.0, else the shortest decimal that reads back as the same number.
  package static func text(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }

  /// The same for sentences: 5e-5 rather than 5e-05.
  package static func prose(_ value: Double) -> String {
    text(value).replacing("e-0", with: "e-")
  }
}
