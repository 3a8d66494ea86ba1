/// One reader of foreign bytes.
///
/// `run` may throw nothing and must return for every input: a trap, a failed check or a hang is a
/// finding. Refusals are what the readers are for, and are no findings.
protocol FuzzTarget {
  /// Names the folder of its seeds and its dictionary.
  static var name: String { get }

  init()

  func run(_ bytes: [UInt8])
}

/// Ends the process as a finding where a property does not hold; also in release builds.
func check(_ holds: @autoclosure () throws -> Bool, _ property: @autoclosure () -> String) rethrows
{
  guard try holds() else { fatalError("does not hold: \(property())") }
}
