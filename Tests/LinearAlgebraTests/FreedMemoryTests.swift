import Testing

@testable import LinearAlgebra

@Suite struct FreedMemoryTests {
  /// A buffer's address after something was written to it.
  private static func used(_ count: Int) -> Int {
    let buffer = FloatBuffer(count: count)
    let isZero = (0..<count).allSatisfy { unsafe buffer.start[$0] == 0 }
    #expect(isZero)
    unsafe buffer.start.update(repeating: 1, count: count)
    return unsafe Int(bitPattern: buffer.start)
  }

  @Test func largeBuffersTakeOverWhatOthersOfTheirSizeLeft() {
    let (large, larger) = (2 << 20, 3 << 20)
    FloatBuffer.reusingFreed {
      let first = Self.used(large)
      let held = FloatBuffer(count: larger)
      #expect(FloatBuffer.reusingFreed { Self.used(large) } == first)
      #expect(Self.used(large) == first && Self.used(larger) != first)
      withExtendedLifetime(held) {}
    }
  }

  @Test func partsDoNotFreeWhatTheyShare() {
    FloatBuffer.reusingFreed {
      let whole = FloatBuffer([Float](repeating: 2, count: 2 << 20))
      do { _ = FloatBuffer(part: 0..<1 << 20, of: whole) }
      _ = Self.used(1 << 20)
      #expect(unsafe whole.start[0] == 2)
    }
  }
}
