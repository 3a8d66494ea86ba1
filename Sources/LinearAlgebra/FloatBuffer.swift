/// Float32 scratch or factor storage with a fixed address, freed with its owner.
@safe public final class FloatBuffer: @unchecked Sendable {
  // Unchecked: holders either only read after filling it, or own it exclusively.
  public let start: UnsafeMutablePointer<Float>
  public let count: Int

  /// Zeros.
  public init(count: Int) {
    self.count = count
    unsafe start = .allocate(capacity: max(1, count))
    unsafe start.initialize(repeating: 0, count: max(1, count))
  }

  public convenience init(_ elements: [Float]) {
    self.init(count: elements.count)
    for (index, element) in elements.enumerated() { unsafe start[index] = element }
  }

  deinit { unsafe start.deallocate() }
}
