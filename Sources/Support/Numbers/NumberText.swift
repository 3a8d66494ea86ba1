/// Numbers as they stand in files: a dot, no separators, no trailing zeros.
package enum Number {
  package static func text(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }
}
