import Foundation
import LinearAlgebra
import Testing

@testable import Checkpoints

@Suite struct ElementTypeTests {
  static let patterns = (0...UInt16.max).map { $0 }

  static func widen(_ type: ElementType, _ patterns: [UInt16]) -> [Float] {
    unsafe patterns.withUnsafeBytes { unsafe type.widen($0) }
  }

  static func narrow(_ type: ElementType, _ values: [Float]) -> [UInt16] {
    let bytes = type.narrow(values)
    return stride(from: 0, to: bytes.count, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
  }

  @Test(arguments: [ElementType.bfloat16, .float16])
  func everyPatternSurvivesWideningAndNarrowing(type: ElementType) {
    let widened = Self.widen(type, Self.patterns)
    for (pattern, back) in zip(Self.patterns, Self.narrow(type, widened)) {
      if widened[Int(pattern)].isNaN {
        #expect(Self.widen(type, [back])[0].isNaN)
      } else {
        #expect(pattern == back)
      }
    }
  }

  @Test func bfloat16WidensByShifting() {
    for (pattern, value) in zip(Self.patterns, Self.widen(.bfloat16, Self.patterns)) {
      #expect(value.bitPattern == UInt32(pattern) << 16)
    }
  }

  /// Between any two neighbours: below the middle goes down, above goes up, the middle to even.
  @Test(arguments: [ElementType.bfloat16, .float16])
  func roundsToNearestEven(type: ElementType) {
    let infinity: UInt16 = type == .bfloat16 ? 0x7F80 : 0x7C00
    for sign in [UInt16(0), 0x8000] {
      let neighbours = (0..<infinity - 1).map { $0 | sign }
      let low = Self.widen(type, neighbours)
      let high = Self.widen(type, neighbours.map { $0 + 1 })
      let middles = zip(low, high).map { Float((Double($0) + Double($1)) / 2) }
      let rounded = Self.narrow(type, middles)
      let below = Self.narrow(type, zip(middles, low).map { $0.nextUp(toward: $1) })
      let above = Self.narrow(type, zip(middles, high).map { $0.nextUp(toward: $1) })
      for (index, neighbour) in neighbours.enumerated() {
        #expect(rounded[index] == (neighbour % 2 == 0 ? neighbour : neighbour + 1))
        #expect(below[index] == neighbour)
        #expect(above[index] == neighbour + 1)
      }
    }
  }

  @Test func float16OverflowsToInfinity() {
    #expect(
      Self.narrow(.float16, [65_519, 65_520, 1e30, -.infinity]) == [0x7BFF, 0x7C00, 0x7C00, 0xFC00])
  }
}

extension Float {
  /// The neighbouring float32 in the direction of `target`.
  fileprivate func nextUp(toward target: Float) -> Float {
    target > self ? nextUp : nextDown
  }
}
