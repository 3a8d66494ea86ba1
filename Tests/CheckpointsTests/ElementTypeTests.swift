import Testing

@testable import Checkpoints

@Suite("Element types")
struct ElementTypeTests {
  @Test("F16 widens as the processor's half precision does, on all 65,536 patterns")
  func widenFloat16() {
    for pattern in UInt16.min...UInt16.max {
      let expected = Float16(bitPattern: pattern)
      let found = ElementType.widen(float16: pattern)
      if expected.isNaN {
        // The payload is kept, shifted to the top of the wider fraction.
        let fraction = UInt32(pattern & 0x3FF) << 13
        let sign = UInt32(pattern & 0x8000) << 16
        #expect(found.bitPattern == sign | 0x7F80_0000 | fraction)
      } else {
        #expect(found.bitPattern == Float(expected).bitPattern)
      }
    }
  }

  @Test("BF16 widens to the float with the same upper half, on all 65,536 patterns")
  func widenBFloat16() {
    for pattern in UInt16.min...UInt16.max {
      #expect(ElementType.widen(bfloat16: pattern).bitPattern == UInt32(pattern) << 16)
    }
  }

  @Test("narrowing undoes widening on all 65,536 patterns, and makes NaN quiet")
  func narrowUndoesWiden() {
    for pattern in UInt16.min...UInt16.max {
      let half = ElementType.float16(narrowing: ElementType.widen(float16: pattern))
      let isHalfNaN = pattern & 0x7FFF > 0x7C00
      #expect(half == (isHalfNaN ? pattern | 0x200 : pattern))
      let brain = ElementType.bfloat16(narrowing: ElementType.widen(bfloat16: pattern))
      let isBrainNaN = pattern & 0x7FFF > 0x7F80
      #expect(brain == (isBrainNaN ? pattern | 0x40 : pattern))
    }
  }

  @Test("between any two neighbours, the nearer wins and the middle goes to the even one")
  func narrowRoundsToNearestEven() {
    func check(
      _ pattern: UInt16, _ infinity: UInt16, _ widen: (UInt16) -> Float,
      _ narrow: (Float) -> UInt16
    ) {
      // The largest finite number rounds up to infinity as if the next power of two followed.
      let lower = Double(widen(pattern))
      let below = Double(widen(pattern - 1))
      let upper = pattern + 1 == infinity ? lower + (lower - below) : Double(widen(pattern + 1))
      let middle = Float((lower + upper) / 2)
      let even = pattern.isMultiple(of: 2) ? pattern : pattern + 1
      for sign: UInt16 in [0, 0x8000] {
        let factor: Float = sign == 0 ? 1 : -1
        #expect(narrow(factor * middle) == sign | even)
        #expect(narrow(factor * middle.nextDown) == sign | pattern)
        #expect(narrow(factor * middle.nextUp) == sign | (pattern + 1))
      }
    }
    for pattern in 1..<UInt16(0x7C00) {
      check(pattern, 0x7C00, ElementType.widen(float16:), ElementType.float16(narrowing:))
    }
    for pattern in 1..<UInt16(0x7F80) {
      check(pattern, 0x7F80, ElementType.widen(bfloat16:), ElementType.bfloat16(narrowing:))
    }
  }

  @Test(
    "values at the edges",
    arguments: [
      (Float(0), 0x0000, 0x0000), (-0.0, 0x8000, 0x8000), (1, 0x3C00, 0x3F80),
      (65504, 0x7BFF, 0x4780), (65519.996, 0x7BFF, 0x4780), (65520, 0x7C00, 0x4780),
      (.infinity, 0x7C00, 0x7F80), (-.infinity, 0xFC00, 0xFF80),
      (.greatestFiniteMagnitude, 0x7C00, 0x7F80), (0x1p-24, 0x0001, 0x3380),
      (0x1p-25, 0x0000, 0x3300), (0x1.000002p-25, 0x0001, 0x3300),
      (.leastNonzeroMagnitude, 0x0000, 0x0000),
      // A NaN whose payload lies only in bits that are dropped must not become infinity.
      (Float(bitPattern: 0x7F80_0001), 0x7E00, 0x7FC0),
    ] as [(Float, UInt16, UInt16)])
  func edges(value: Float, half: UInt16, brain: UInt16) {
    #expect(ElementType.float16(narrowing: value) == half)
    #expect(ElementType.bfloat16(narrowing: value) == brain)
  }

  @Test("slices convert as single values do, at odd addresses too", arguments: ElementType.allCases)
  func slices(type: ElementType) {
    let values: [Float] = (0..<1003).map { Float($0 - 500) * 0.37 }
    let bytes = type.narrow(values)
    #expect(bytes.count == values.count * type.byteCount)
    let expected: [Float] = values.map { value in
      switch type {
      case .float32: value
      case .float16: ElementType.widen(float16: ElementType.float16(narrowing: value))
      case .bfloat16: ElementType.widen(bfloat16: ElementType.bfloat16(narrowing: value))
      }
    }
    let shifted = [0] + bytes
    let widened = unsafe shifted.withUnsafeBytes { buffer in
      unsafe type.widen(UnsafeRawBufferPointer(rebasing: buffer[1...]))
    }
    #expect(widened == expected)
    #expect(unsafe type.widen(UnsafeRawBufferPointer(start: nil, count: 0)) == [])
  }

  @Test("every name of the format has its size; others are unknown")
  func dataTypes() {
    #expect(DataType(named: "BF16") == .bfloat16)
    #expect(DataType(named: "F32")?.elementType == .float32)
    #expect(DataType(named: "I64")?.bitsPerElement == 64)
    #expect(DataType(named: "I64")?.elementType == nil)
    #expect(DataType(named: "F8_E4M3")?.byteCount(of: 3) == 3)
    #expect(DataType(named: "F4")?.byteCount(of: 6) == 3)
    #expect(DataType(named: "F4")?.byteCount(of: 5) == nil)
    #expect(DataType(named: "f32") == nil)
  }
}

extension ElementType {
  /// One value by itself.
  fileprivate static func bfloat16(narrowing value: Float) -> UInt16 {
    let bytes = ElementType.bfloat16.narrow([value])
    return UInt16(bytes[0]) | UInt16(bytes[1]) << 8
  }
}
