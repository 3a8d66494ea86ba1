import Foundation

/// A small seeded generator whose sequence is the same on every machine.
///
/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a counter stepped by the golden ratio, mixed by
/// two multiplications. Standard-library shuffles and `random(in:)` may change between releases;
/// `nextUnit` and `nextGaussian` do not.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// Inlined, since a bootstrap draws by the thousand million.
  @inlinable
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number in [0, 1) with 53 random bits.
  package mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

extension SplitMix64 {
  /// A standard normal number, by Box and Muller's transform (the cosine half).
  package mutating func nextGaussian() -> Double {
    let radius = (-2 * log(1 - nextUnit())).squareRoot()
    return radius * cos(2 * .pi * nextUnit())
  }
}
