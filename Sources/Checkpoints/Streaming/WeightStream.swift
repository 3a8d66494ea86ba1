import CKernels
import Foundation

/// One tensor's values where they lie in a checkpoint's mapping, in their own element type.
@safe package struct MappedWeights: @unchecked Sendable {
  // Unchecked: the bytes are mapped read-only, and the checkpoint that is kept keeps the mapping.
  /// Values that are worked on before their pages are let go: 8 MiB of a two-byte type.
  package static let stretch = 1 << 22

  private let checkpoint: Checkpoint
  private let name: String
  private let start: UnsafeRawPointer?
  private let elementType: Int32
  private let width: Int
  /// How many values it has.
  package let count: Int

  /// - Throws: `CheckpointError.tensor` where the tensor is missing, or other than F32, F16 and BF16.
  package init(_ name: String, in checkpoint: Checkpoint) throws(CheckpointError) {
    self.checkpoint = checkpoint
    self.name = name
    unsafe start = try checkpoint.unsafeBytes(of: name).baseAddress
    guard let tensor = checkpoint.tensor(named: name) else {
      throw .tensor(name: name, file: checkpoint.folder.path, .missing)
    }
    count = tensor.elementCount
    switch tensor.dtype.elementType {
    case .float32: (elementType, width) = (Int32(LOXEVAL_FLOAT32), 4)
    case .float16: (elementType, width) = (Int32(LOXEVAL_FLOAT16), 2)
    case .bfloat16: (elementType, width) = (Int32(LOXEVAL_BFLOAT16), 2)
    case nil:
      throw .tensor(
        name: name, file: checkpoint.folder.path, .notConvertible(dtype: tensor.dtype))
    }
  }

  /// Widens a range of values to float32.
  ///
  /// - Precondition: `target` is as long.
  package func widen(_ range: Range<Int>, into target: inout MutableSpan<Float>) {
    precondition(range.count == target.count)
    unsafe target.withUnsafeMutableBufferPointer { target in
      guard let start = unsafe start, let target = target.baseAddress else { return }
      unsafe loxeval_widen(start + range.lowerBound * width, elementType, range.count, target)
    }
  }

  /// A range of values, widened to float32.
  package func floats(_ range: Range<Int>) -> [Float] {
    var values = [Float](repeating: 0, count: range.count)
    var span = values.mutableSpan
    widen(range, into: &span)
    return values
  }

  /// This minus another, over a range of values, in float32.
  ///
  /// - Precondition: `target` has room for as many.
  @unsafe
  package func subtract(
    _ other: MappedWeights, in range: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    guard let start = unsafe start, let otherStart = unsafe other.start else { return }
    unsafe loxeval_subtract(
      start + range.lowerBound * width, elementType, otherStart + range.lowerBound * other.width,
      other.elementType, range.count, target)
  }

  /// Whether both hold the same bytes, of one element type.
  package func holdsTheBytes(of other: MappedWeights, count: Int) -> Bool {
    guard elementType == other.elementType else { return false }
    guard let start = unsafe start, let otherStart = unsafe other.start else { return true }
    return unsafe memcmp(start, otherStart, count * width) == 0
  }

  /// Drops a range of values from this process's memory; they are read again if touched.
  package func letGo(_ range: Range<Int>) {
    checkpoint.adviseDontNeed(name, bytes: range.lowerBound * width..<range.upperBound * width)
  }
}
