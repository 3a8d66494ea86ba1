import CKernels
import LinearAlgebra

/// AdamW's two running means of a parameter's gradient, all 0 at first.
enum RunningMeans {
  /// 8 bytes a number.
  case float32(first: FloatBuffer, second: FloatBuffer)
  /// 2 bytes a number, and 8 for each block of 256.
  case eightBit(EightBitMeans)

  init(of count: Int, for optimizer: TrainingRecipe.Optimizer) {
    switch optimizer {
    case .adamw:
      self = .float32(first: FloatBuffer(count: count), second: FloatBuffer(count: count))
    case .adamw8bit: self = .eightBit(EightBitMeans(count: count))
    }
  }
}

/// Both means in 8 bits, with scales for each block: what `loxeval_adamw_8bit` reads and writes.
@safe final class EightBitMeans {
  static let block = Int(LOXEVAL_MOMENT_BLOCK)

  let first: UnsafeMutablePointer<Int8>
  let second: UnsafeMutablePointer<UInt8>
  /// Of the first and the second mean, for each block.
  let scales: FloatBuffer

  init(count: Int) {
    unsafe first = .allocate(capacity: count)
    unsafe second = .allocate(capacity: count)
    unsafe first.initialize(repeating: 0, count: count)
    unsafe second.initialize(repeating: 0, count: count)
    scales = FloatBuffer(count: (count + Self.block - 1) / Self.block * 2)
  }

  deinit {
    unsafe first.deallocate()
    unsafe second.deallocate()
  }
}
