import Testing

@testable import LinearAlgebra

@Suite struct FreedMemoryTests {
  private static let unit = FreedMemory.smallest

  /// Allocates and frees so many units.
  ///
  /// - Returns: the address.
  @discardableResult private static func use(_ units: Int, of memory: FreedMemory) -> Int {
    let block = unsafe memory.allocate(units * unit)
    unsafe memory.release(block, units * unit)
    return Int(bitPattern: block)
  }

  @Test func blocksTakeOverWhatOthersOfTheirSizeLeft() {
    let memory = FreedMemory()
    memory.reusing {
      let first = Self.use(2, of: memory)
      #expect(memory.reusing { Self.use(2, of: memory) } == first)
      #expect(Self.use(2, of: memory) == first && memory.keptByteCount == 2 * Self.unit)
    }
    #expect(memory.keptByteCount == 0)
    Self.use(2, of: memory)
    #expect(memory.keptByteCount == 0)
  }

  /// The most that is in use and kept together is the most that was in use.
  @Test func whatIsKeptMakesRoomForOtherSizes() {
    let memory = FreedMemory()
    memory.reusing {
      for units in [2, 3, 5] { Self.use(units, of: memory) }
      // Each took the place of what was there before.
      #expect(memory.keptByteCount == 5 * Self.unit)
      let held = unsafe (memory.allocate(2 * Self.unit), memory.allocate(2 * Self.unit))
      #expect(memory.keptByteCount == 0)
      unsafe memory.release(held.0, 2 * Self.unit)
      unsafe memory.release(held.1, 2 * Self.unit)
      Self.use(3, of: memory)
      #expect(memory.keptByteCount == 3 * Self.unit)
      Self.use(1, of: memory)
      #expect(memory.keptByteCount == Self.unit)
    }
    #expect(memory.keptByteCount == 0)
  }

  @Test func buffersAreZerosWhateverWasThere() {
    FloatBuffer.reusingFreed {
      for _ in 0..<2 {
        let buffer = FloatBuffer(count: 2 << 20)
        #expect((0..<buffer.count).allSatisfy { unsafe buffer.start[$0] == 0 })
        unsafe buffer.start.update(repeating: 1, count: buffer.count)
      }
    }
  }

  @Test func partsDoNotFreeWhatTheyShare() {
    FloatBuffer.reusingFreed {
      let whole = FloatBuffer([Float](repeating: 2, count: 2 << 20))
      do { _ = FloatBuffer(part: 0..<1 << 20, of: whole) }
      do { _ = FloatBuffer(count: 1 << 20) }
      #expect(unsafe whole.start[0] == 2)
    }
  }
}
