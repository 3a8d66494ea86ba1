import CKernels

/// The element types of safetensors. Arithmetic is done on the first three; the others are carried
/// through by size.
public enum ElementType: String, Sendable, CaseIterable {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float64 = "F64"
  case float8e4m3 = "F8_E4M3"
  case float8e5m2 = "F8_E5M2"
  case int8 = "I8"
  case int16 = "I16"
  case int32 = "I32"
  case int64 = "I64"
  case uint8 = "U8"
  case uint16 = "U16"
  case uint32 = "U32"
  case uint64 = "U64"
  case bool = "BOOL"

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float8e4m3, .float8e5m2, .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Whether elements are widened to float32 and narrowed back.
  public var isNumeric: Bool {
    switch self {
    case .float32, .float16, .bfloat16: true
    default: false
    }
  }

  /// The kernels' name for it.
  var kernelType: Int32 {
    switch self {
    case .float16: Int32(LOXEVAL_FLOAT16)
    case .bfloat16: Int32(LOXEVAL_BFLOAT16)
    default: Int32(LOXEVAL_FLOAT32)
    }
  }
}

extension ElementType {
  /// Widens a tensor's bytes to float32, exactly.
  ///
  /// - Precondition: `isNumeric`, and the bytes are whole elements.
  public func widen(_ bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = bytes.count / byteCount
    return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let source = bytes.baseAddress, let destination = buffer.baseAddress {
        unsafe loxeval_widen(source, kernelType, count, destination)
      }
      initialized = count
    }
  }

  /// Narrows float32 values to this type's bytes, to nearest, ties to even; NaN stays NaN.
  ///
  /// - Precondition: `isNumeric`.
  public func narrow(_ values: [Float]) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: values.count * byteCount) { buffer, initialized in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      switch self {
      case .bfloat16:
        for (index, value) in values.enumerated() {
          unsafe raw.storeBytes(
            of: Self.bfloat16Bits(value).littleEndian, toByteOffset: index * 2, as: UInt16.self)
        }
      case .float16:
        for (index, value) in values.enumerated() {
          unsafe raw.storeBytes(
            of: Self.float16Bits(value).littleEndian, toByteOffset: index * 2, as: UInt16.self)
        }
      default:
        unsafe values.withUnsafeBytes { unsafe raw.copyMemory(from: $0) }
      }
      initialized = values.count * byteCount
    }
  }

  /// float32 to bfloat16: drops 16 bits, rounding to nearest even.
  @inline(__always)
  static func bfloat16Bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
  }

  /// float32 to float16, rounding to nearest even; beyond its range to infinity.
  @inline(__always)
  static func float16Bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 {
      return sign | 0x7E00 | UInt16(truncatingIfNeeded: (magnitude >> 13) & 0x3FF)
    }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }  // 2^16 and beyond
    if magnitude < 0x3880_0000 {
      // Subnormal in float16: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits.
      let shifted = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: shifted.bitPattern &- 0x3F00_0000)
    }
    let rebiased = magnitude &- 0x3800_0000
    let rounded = (rebiased &+ 0xFFF &+ ((rebiased >> 13) & 1)) >> 13
    return sign | UInt16(truncatingIfNeeded: rounded)
  }
}
