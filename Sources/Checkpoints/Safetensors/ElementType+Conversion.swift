import CKernels

// Every loop below is branch-free integer and float arithmetic on one element, so that an optimised
// build turns it into vector instructions without needing F16C or AVX-512 BF16.

extension ElementType {
  /// Widens to float32, exactly: every value, infinity and NaN payload is kept.
  ///
  /// - Parameter bytes: little-endian elements of this type, at any alignment; a whole number of
  ///   them.
  package func widen(_ bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = bytes.count / byteCount
    return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe widen(bytes, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// Widens to float32 into `output`, which need not be initialised.
  ///
  /// - Precondition: `bytes.count == output.count * byteCount`.
  package func widen(
    _ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(bytes.count == output.count * byteCount)
    guard let source = bytes.baseAddress, let target = output.baseAddress else { return }
    switch self {
    case .float32:
      unsafe UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
    case .bfloat16:
      for index in 0..<output.count {
        let bits = unsafe source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
        unsafe target[index] = Self.widen(bfloat16: bits)
      }
    case .float16:
      for index in 0..<output.count {
        let bits = unsafe source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
        unsafe target[index] = Self.widen(float16: bits)
      }
    }
  }

  /// Narrows float32 to this type, to nearest even; too large becomes infinity, NaN stays NaN with
  /// its upper payload bits and the quiet bit set.
  ///
  /// - Precondition: `output.count == values.count * byteCount`.
  package func narrow(
    _ values: UnsafeBufferPointer<Float>, into output: UnsafeMutableRawBufferPointer
  ) {
    precondition(output.count == values.count * byteCount)
    guard let source = values.baseAddress, let target = output.baseAddress else { return }
    switch self {
    case .float32:
      unsafe target.copyMemory(from: source, byteCount: output.count)
    case .bfloat16:
      unsafe loxeval_to_bfloat16(
        source, Int32(LOXEVAL_FLOAT32), values.count, target.assumingMemoryBound(to: UInt16.self))
    case .float16:
      for index in 0..<values.count {
        let bits = unsafe Self.float16(narrowing: source[index])
        unsafe target.storeBytes(of: bits, toByteOffset: index &* 2, as: UInt16.self)
      }
    }
  }

  /// Narrows float32 to little-endian bytes of this type; rounding as in `narrow(_:into:)`.
  package func narrow(_ values: ArraySlice<Float>) -> [UInt8] {
    let count = values.count * byteCount
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe values.withUnsafeBufferPointer { source in
        unsafe narrow(
          source, into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
      }
      initialized = count
    }
  }

  /// Narrows float32 to little-endian bytes of this type; rounding as in `narrow(_:into:)`.
  package func narrow(_ values: [Float]) -> [UInt8] {
    narrow(values[...])
  }

  /// bfloat16 is the upper half of a float32.
  @inline(__always)
  static func widen(bfloat16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(truncatingIfNeeded: bits) &<< 16)
  }

  @inline(__always)
  static func widen(float16 half: UInt16) -> Float {
    let bits = UInt32(truncatingIfNeeded: half)
    let magnitude = bits & 0x7FFF
    // Read as a float32, the shifted bits are 2^112 too small, subnormals included.
    let scaled = Float(bitPattern: magnitude &<< 13) * 0x1p112
    let special: UInt32 = magnitude >= 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: scaled.bitPattern | special | ((bits & 0x8000) &<< 16))
  }

  @inline(__always)
  static func float16(narrowing value: Float) -> UInt16 {
    let bits = value.bitPattern
    let magnitude = bits & 0x7FFF_FFFF
    // Normal: rebias the exponent (127 to 15) and round the 13 dropped bits to even.
    let normal =
      (magnitude &- 0x3800_0000 &+ 0x0FFF &+ ((magnitude &>> 13) & 1)) &>> 13
    // Subnormal: the last place of a float32 in [0.5, 1) is 2^-24, the unit of a subnormal half.
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
    let quietNaN = 0x7E00 | ((magnitude &>> 13) & 0x3FF)
    var half = magnitude < 0x3880_0000 ? subnormal : normal
    half = magnitude >= 0x477F_F000 ? 0x7C00 : half  // 65520 and above round to infinity.
    half = magnitude > 0x7F80_0000 ? quietNaN : half
    return UInt16(truncatingIfNeeded: half | ((bits &>> 16) & 0x8000))
  }
}
