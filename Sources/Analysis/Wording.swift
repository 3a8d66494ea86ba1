/// How numbers are spelled wherever a person reads them; a dash where there is none.
package enum Wording {
  package static func percent(_ value: Double?) -> String {
    guard let value else { return "–" }
    let tenths = Int((abs(value) * 1_000).rounded())
    return "\(value < 0 && tenths > 0 ? "−" : "")\(tenths / 10).\(tenths % 10) %"
  }

  package static func points(_ value: Double?) -> String {
    guard let value else { return "–" }
    let tenths = Int((abs(value) * 1_000).rounded())
    return (value < 0 && tenths > 0 ? "−" : "+") + "\(tenths / 10).\(tenths % 10)"
  }

  /// The test of a change on the same prompts.
  ///
  /// - Parameter isPaired: whether each prompt was asked once; several samples of it are compared by their
  ///   shares.
  package static func test(isPaired: Bool) -> String {
    isPaired ? "McNemar's mid-p test" : "a sign-flip test"
  }

  package static func probability(_ value: Double?) -> String {
    guard let value else { return "–" }
    if value < 0.001 { return "p < 0.001" }
    let thousandths = Int((value * 1_000).rounded())
    let digits = String(thousandths)
    return thousandths >= 1_000
      ? "p = 1" : "p = 0." + String(repeating: "0", count: 3 - digits.count) + digits
  }
}
