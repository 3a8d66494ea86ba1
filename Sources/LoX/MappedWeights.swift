import CKernels
import Checkpoints
import Foundation

/// One tensor's values where they lie in a checkpoint's mapping, in their own element type.
@safe struct MappedWeights {
  /// Values that are worked on before their pages are let go: 8 MiB of a two-byte type.
  static let stretch = 1 << 22

  private let checkpoint: Checkpoint
  private let name: String
  private let start: UnsafeRawPointer?
  private let elementType: Int32
  private let width: Int

  /// - Throws: `LoXError.notNumeric` for other than F32, F16 and BF16; `CheckpointError.tensor`
  ///   where the tensor is missing.
  init(_ name: String, in checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    self.name = name
    unsafe start = try checkpoint.unsafeBytes(of: name).baseAddress
    switch checkpoint.tensor(named: name)?.dtype.elementType {
    case .float32: (elementType, width) = (Int32(LOXEVAL_FLOAT32), 4)
    case .float16: (elementType, width) = (Int32(LOXEVAL_FLOAT16), 2)
    case .bfloat16: (elementType, width) = (Int32(LOXEVAL_BFLOAT16), 2)
    case nil:
      throw LoXError.notNumeric(
        name: name, elementType: checkpoint.tensor(named: name)?.dtype.name ?? "nothing")
    }
  }

  /// Widens a range of values to float32.
  ///
  /// - Precondition: `target` is as long.
  func widen(_ range: Range<Int>, into target: inout MutableSpan<Float>) {
    precondition(range.count == target.count)
    unsafe target.withUnsafeMutableBufferPointer { target in
      guard let start = unsafe start, let target = target.baseAddress else { return }
      unsafe loxeval_widen(start + range.lowerBound * width, elementType, range.count, target)
    }
  }

  /// A range of values, widened to float32.
  func floats(_ range: Range<Int>) -> [Float] {
    var values = [Float](repeating: 0, count: range.count)
    var span = values.mutableSpan
    widen(range, into: &span)
    return values
  }

  /// This minus another, over a range of values, in float32.
  func subtract(
    _ other: MappedWeights, in range: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    guard let start = unsafe start, let otherStart = unsafe other.start else { return }
    unsafe loxeval_subtract(
      start + range.lowerBound * width, elementType, otherStart + range.lowerBound * other.width,
      other.elementType, range.count, target)
  }

  /// Whether both hold the same bytes, of one element type.
  func holdsTheBytes(of other: MappedWeights, count: Int) -> Bool {
    guard elementType == other.elementType else { return false }
    guard let start = unsafe start, let otherStart = unsafe other.start else { return true }
    return unsafe memcmp(start, otherStart, count * width) == 0
  }

  /// Drops a range of values from this process's memory; they are read again if touched.
  func letGo(_ range: Range<Int>) {
    checkpoint.adviseDontNeed(name, bytes: range.lowerBound * width..<range.upperBound * width)
  }
}
