import CKernels
import Foundation
import LinearAlgebra
import Synchronization

/// One tensor's values in a checkpoint, in their own element type, for passes from the first to the last.
///
/// Values of a checkpoint that fits beside others into memory are used where they are mapped, and their pages let go
/// stretch by stretch and at the end; those of a larger one are read a stretch at a time past the system's cache.
@safe package final class WeightStream: @unchecked Sendable {
  // Unchecked: the mapping is read-only and kept by the checkpoint; `window` and `touched` are behind their locks.

  /// Values that are worked on at a time: 4 MiB of a two-byte type.
  package static let stretch = 1 << 21

  private let checkpoint: Checkpoint
  package let name: String
  private let mapped: UnsafeRawPointer?
  private let elementType: Int32
  private let width: Int
  /// How many values it has.
  package let count: Int
  private let uncached: (file: UncachedFile, start: Int)?
  private let window = Mutex(Window())
  /// Mapped values that were read and not let go yet; empty where none were.
  private let touched = Mutex(0..<0)
  /// Letting go interrupts the other processors: for fewer values than these it costs more than it gives.
  private static let fewest = 1 << 16

  /// What was read last, or all that was read so far.
  private struct Window {
    /// Of all values, from the block on in which the first lies; nil where only the last are kept.
    var all: FloatBuffer?
    var buffer: BlockBuffer?
    var range = 0..<0
    /// Where the range's first value lies in the buffer.
    var offset = 0

    mutating func read(
      _ values: Range<Int>, width: Int, of uncached: (file: UncachedFile, start: Int)
    ) throws(CheckpointError) {
      let start = uncached.start
      if let all {
        // Passes go from the first value to the last.
        let (new, block) = (range.upperBound..<values.upperBound, BlockBuffer.block)
        let first = start + new.lowerBound * width
        _ = try unsafe uncached.file.read(
          first..<start + new.upperBound * width,
          into: UnsafeMutableRawPointer(all.start) + (first / block - start / block) * block)
        (range, offset) = (0..<values.upperBound, start % block)
        return
      }
      let buffer = buffer ?? BlockBuffer()
      self.buffer = buffer
      // Nothing is in it, should this fail.
      range = 0..<0
      offset = try uncached.file.read(
        start + values.lowerBound * width..<start + values.upperBound * width, into: buffer)
      range = values
    }
  }

  /// - Throws: `CheckpointError.tensor` where the tensor is missing, or other than F32, F16 and BF16.
  package init(_ name: String, in checkpoint: Checkpoint) throws(CheckpointError) {
    self.checkpoint = checkpoint
    self.name = name
    unsafe mapped = try checkpoint.unsafeBytes(of: name).baseAddress
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
    uncached = checkpoint.uncachedFile(of: name)
  }

  deinit {
    touched.withLock { if $0.count >= Self.fewest { letGo(&$0) } }
  }

  /// Bytes of values that are kept: fewer are soon read again, and memory for as many begins where a block does.
  private static let leastKept = 4 << 20

  /// Keeps what is read from now on until this ends, so that a second pass reads nothing again. Values of a mapped
  /// tensor are there in any case.
  package func keepAll() {
    guard uncached != nil, count * width >= Self.leastKept else { return }
    window.withLock { window in
      guard window.all == nil else { return }
      window = Window()
      let byteCount = count * width + 2 * BlockBuffer.block
      unsafe window.all = FloatBuffer(uninitializedCount: (byteCount + 3) / 4)
    }
  }

  /// Widens a range of values to float32.
  ///
  /// - Precondition: `target` is as long.
  /// - Throws: `CheckpointError.fileSystem` where the file cannot be read, as all of these do.
  package func widen(
    _ range: Range<Int>, into target: inout MutableSpan<Float>
  ) throws(CheckpointError) {
    precondition(range.count == target.count)
    try unsafe target.withUnsafeMutableBufferPointer { target throws(CheckpointError) in
      guard let target = target.baseAddress else { return }
      try unsafe forEachStretch(of: range) { part, values in
        unsafe loxeval_widen(
          values, elementType, part.count, target + (part.lowerBound - range.lowerBound))
      }
    }
  }

  /// A range of values, widened to float32.
  package func floats(_ range: Range<Int>) throws(CheckpointError) -> [Float] {
    var values = [Float](repeating: 0, count: range.count)
    var span = values.mutableSpan
    try widen(range, into: &span)
    return values
  }

  /// This minus another, over a range of values, in float32.
  ///
  /// - Precondition: `target` has room for as many.
  @unsafe
  package func subtract(
    _ other: WeightStream, in range: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) throws(CheckpointError) {
    try unsafe forEachStretch(of: range) { part, values throws(CheckpointError) in
      try unsafe other.forEachStretch(of: part) { _, others in
        unsafe loxeval_subtract(
          values, elementType, others, other.elementType, part.count,
          target + (part.lowerBound - range.lowerBound))
      }
    }
  }

  /// Whether both begin with the same bytes, of one element type; reads little more than up to the first that
  /// differs.
  package func holdsTheBytes(of other: WeightStream, count: Int) throws(CheckpointError) -> Bool {
    guard elementType == other.elementType else { return false }
    var lower = 0
    // Most differ at once.
    var size = 1 << 12
    while lower < count {
      let range = lower..<min(count, lower + size)
      var isSame = true
      try unsafe forEachStretch(of: range, ahead: false) { part, values throws(CheckpointError) in
        try unsafe other.forEachStretch(of: part, ahead: false) { _, others in
          unsafe isSame = isSame && memcmp(values, others, part.count * width) == 0
        }
      }
      guard isSame else { return false }
      lower = range.upperBound
      size = min(8 * size, Self.stretch)
    }
    return true
  }

  private func letGo(_ values: inout Range<Int>) {
    checkpoint.adviseDontNeed(name, bytes: values.lowerBound * width..<values.upperBound * width)
    values = 0..<0
  }

  /// Lends a range of values, at most a stretch of them at a time, wherever they lie.
  ///
  /// - Parameter ahead: whether those behind them will be asked for too.
  @unsafe
  private func forEachStretch(
    of range: Range<Int>, ahead: Bool = true,
    _ body: (_ part: Range<Int>, _ values: UnsafeRawPointer) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    guard let mapped = unsafe mapped else { return }
    for lower in stride(from: range.lowerBound, to: range.upperBound, by: Self.stretch) {
      let part = lower..<min(range.upperBound, lower + Self.stretch)
      guard let uncached else {
        try unsafe body(part, mapped + part.lowerBound * width)
        touched.withLock { touched in
          touched =
            touched.isEmpty
            ? part
            : min(touched.lowerBound, part.lowerBound)..<max(touched.upperBound, part.upperBound)
          if touched.count >= Self.stretch { letGo(&touched) }
        }
        continue
      }
      try window.withLock { window throws(CheckpointError) in
        if part.lowerBound < window.range.lowerBound || part.upperBound > window.range.upperBound {
          let end = ahead ? min(count, part.lowerBound + Self.stretch) : part.upperBound
          try window.read(part.lowerBound..<end, width: width, of: uncached)
        }
        let all = unsafe window.all.map { unsafe UnsafeMutableRawPointer($0.start) }
        guard let start = unsafe all ?? window.buffer?.start else { return }
        let first = window.offset + (part.lowerBound - window.range.lowerBound) * width
        try unsafe body(part, UnsafeRawPointer(start + first))
      }
    }
  }
}
